package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// childWord begins the command line of a process that refreshes, alters or adds a view, and is there to be killed.
const childWord = "work-and-be-killed"

// What the process is to do, and as whom: no list of processes shows the password.
const (
	urlVariable   = "SOAK_DATABASE_URL"
	orderVariable = "SOAK_ORDER"
)

// order is what a process is to do.
type order struct {
	View       catalog.Name
	Definition *catalog.View // to become, or to begin with; nil: refresh
	Add        bool
	NoData     bool
}

// runChild does what it is told.
func runChild() (code int) {
	if err := obey(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "soak child:", err)
		return 1
	}
	return 0
}

func obey(ctx context.Context) error {
	var o order
	if err := json.Unmarshal([]byte(os.Getenv(orderVariable)), &o); err != nil {
		return fmt.Errorf("read %s: %w", orderVariable, err)
	}
	pool, err := infra.OpenPool(ctx, infra.DatabaseConfig{URL: os.Getenv(urlVariable), MaxConns: 5, Application: "soak child"})
	if err != nil {
		return err
	}
	defer pool.Close()
	runner := newRunner(pool)
	definer := refresh.NewDefiner(pool, runner)
	switch {
	case o.Definition == nil:
		_, err = runner.Refresh(ctx, refresh.Request{View: o.View, Wait: 5 * time.Second})
	case o.Add:
		_, err = definer.Add(ctx, *o.Definition, o.NoData, nil)
	default:
		_, err = definer.Alter(ctx, o.View, func(v *catalog.View) error { become(v, *o.Definition); return nil }, o.NoData, nil)
	}
	return err
}

// kill has a process do something, and ends it without a warning. What it was at, only the servers know.
func (h *history) kill(ctx context.Context, o order, after time.Duration) result {
	what := "refresh "
	if o.Definition != nil {
		what = "define "
	}
	res := result{what: what + o.View.String() + " by a process that is killed", altered: o.Definition != nil, unknown: true}
	text, err := json.Marshal(o)
	if err != nil {
		res.err = err
		return res
	}
	program, err := os.Executable()
	if err != nil {
		res.err = err
		return res
	}
	child := exec.Command(program, childWord)
	child.Env = append(os.Environ(), urlVariable+"="+h.pair.secondURL(), orderVariable+"="+string(text))
	if res.err = child.Start(); res.err != nil {
		return res
	}
	startUp := 60 * time.Millisecond // before it has begun there is nothing to kill
	_ = pauseFor(ctx, startUp+after)
	_ = child.Process.Kill()
	_ = child.Wait()
	return res
}
