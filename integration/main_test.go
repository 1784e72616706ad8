// Package integration_test holds the programs, as they are built for users, against real servers: a cache of each
// test's own, and a stand-in for Redshift.
//
// Nothing is called from inside. A test does what an operator does, with cachectl and worker as processes of their own,
// and breaks what breaks in production: processes, backends, servers, the link. What it wants to know, it asks the
// servers: the history, the locks, the sessions, the rows that readers see meanwhile, and the log of what the stand-in
// was asked. No program ever runs as a superuser.
package integration_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
)

// built is what all tests share: the programs, and a server for the engines of their stand-ins, where each test has a
// database of its own. It is set before the first test starts.
var built struct {
	bin    string
	engine *pgtest.Cluster
}

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if built.bin, err = os.MkdirTemp("", "redcache-bin-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(built.bin)) }()
	build := exec.Command("go", "build", "-trimpath", "-o", built.bin, "./cmd/cachectl", "./cmd/worker")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	if built.engine, err = pgtest.Start(context.Background(), pgtest.Config{InMemory: true}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, built.engine.Stop()) }()
	return m.Run(), nil
}

func program(name string) string { return filepath.Join(built.bin, name) }
