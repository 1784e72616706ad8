package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// StandbyFor copies a running cluster, as an operator would, and has the copy follow it under a name until the test ends.
func StandbyFor(t testing.TB, primary *Cluster, name string) *Cluster {
	t.Helper()
	standby, err := follower(context.WithoutCancel(t.Context()), primary, name)
	if standby != nil {
		t.Cleanup(func() {
			if err := standby.Stop(); err != nil {
				t.Errorf("stop standby: %v", err)
			}
		})
	}
	if err != nil {
		t.Fatalf("start standby: %v", err)
	}
	return standby
}

func follower(ctx context.Context, primary *Cluster, name string) (*Cluster, error) {
	c := &Cluster{
		Host: primary.Host, bin: primary.bin, account: primary.account,
		SuperPassword: primary.SuperPassword, OwnerPassword: primary.OwnerPassword, ReaderPassword: primary.ReaderPassword,
	}
	if err := c.settle(true); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "pg_basebackup"), "-R", "-c", "fast", "--no-sync", "-D", c.data(), "-d",
		fmt.Sprintf("host=%s port=%d user=%s password=%s application_name=%s", primary.Host, primary.Port, Superuser,
			primary.SuperPassword, name))
	cmd.Dir = c.Dir
	c.account.run(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return c, fmt.Errorf("copy cluster: %w\n%s", err, out)
	}
	var err error
	if c.Port, err = freePort(c.Host); err != nil {
		return c, err
	}
	server := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data(), "-p", strconv.Itoa(c.Port))
	server.Dir = c.Dir
	log := filepath.Join(c.Dir, "server.log")
	c.server, err = launch{cmd: server, account: c.account, log: log, ready: "started streaming WAL"}.start(ctx)
	if err != nil {
		return c, errors.Join(err, ctx.Err())
	}
	return c, nil
}
