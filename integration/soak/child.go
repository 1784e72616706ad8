package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// childWord begins the command line of a process that refreshes a view, and is there to be killed.
const childWord = "refresh-and-be-killed"

const urlVariable = "SOAK_DATABASE_URL" // where no list of processes shows the password

// runChild refreshes the view that it is told.
func runChild(args []string) (code int) {
	if err := refreshOnce(context.Background(), args); err != nil {
		fmt.Fprintln(os.Stderr, "soak child:", err)
		return 1
	}
	return 0
}

func refreshOnce(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("%s wants a schema and a view", childWord)
	}
	pool, err := infra.OpenPool(ctx, infra.DatabaseConfig{URL: os.Getenv(urlVariable), MaxConns: 5, Application: "soak child"})
	if err != nil {
		return err
	}
	defer pool.Close()
	name := catalog.Name{Schema: args[0], View: args[1]}
	_, err = newRunner(pool).Refresh(ctx, refresh.Request{View: name, Wait: 5 * time.Second})
	return err
}

// kill has a process refresh a view, and ends it without a warning. What it was at, only the servers know.
func (h *history) kill(ctx context.Context, d doing, after time.Duration) result {
	res := result{what: "refresh " + d.view.String() + " by a process that is killed", unknown: true}
	program, err := os.Executable()
	if err != nil {
		res.err = err
		return res
	}
	child := exec.Command(program, childWord, d.view.Schema, d.view.View)
	child.Env = append(os.Environ(), urlVariable+"="+h.pair.cache.OwnerURL(h.pair.cacheDB))
	if res.err = child.Start(); res.err != nil {
		return res
	}
	startUp := 60 * time.Millisecond // before it has begun there is nothing to kill
	_ = pauseFor(ctx, startUp+after)
	_ = child.Process.Kill()
	_ = child.Wait()
	return res
}
