package main

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// While PostgreSQL connects to a Redshift that is silent, it hears nothing. Whoever interrupts a command is told that
// it was heard, and does not wait for that; nothing stays behind.
func TestRun_InterruptIsHeardWhileRedshiftIsSilent(t *testing.T) {
	t.Parallel()
	cache := pgtest.New(t)
	o := newOperator(t, cache.URL)
	o.must(t, "init")
	o.must(t, o.link(redshiftsim.User)...)
	o.must(t, "add-view", "bi.one", "--link", "dw", "--query", "select 1 as a")
	o.source.Stall(true)
	pool := cache.AdminPool(t)
	var all sync.WaitGroup
	for _, args := range [][]string{
		{"query", "dw", "select 1"},
		{"link", "test", "dw"},
		{"refresh", "bi.one"},
		{"doctor"},
		{"add-view", "bi.two", "--link", "dw", "--query", "select 1 as a"},
	} {
		all.Go(func() {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			began := time.AfterFunc(time.Second, interrupt)
			defer began.Stop()
			start := time.Now()
			status, _, stderr := o.run(ctx, args...)
			took := time.Since(start)
			if status != exitFailed || took > 6*time.Second {
				t.Errorf("%s: exit status %d after %s", args, status, took)
			}
			for _, want := range []string{"cachectl: interrupted; waiting for the servers", "Ctrl-C ends cachectl at once", ": interrupted\n"} {
				if took > 1500*time.Millisecond && !strings.Contains(stderr, want) {
					t.Errorf("%s: %q is missing:\n%s", args, want, stderr)
				}
			}
		})
	}
	all.Wait()
	await(t, pool, `SELECT count(*) = 0 FROM redcache.run WHERE state NOT IN ('succeeded', 'canceled')`)
	o.source.Stall(false)
	await(t, pool, `SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'cachectl%'`)
	await(t, pool, `SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	await(t, o.source.Engine, `SELECT count(*) = 0 FROM pg_stat_activity
		WHERE datname = current_database() AND usename = 'cache_ro'`)
	o.must(t, "refresh", "bi.one")
	o.must(t, "add-view", "bi.two", "--link", "dw", "--query", "select 1 as a")
}

// A command that ends at once says no more than that.
func TestRun_InterruptThatEndsAtOnceIsToldOnce(t *testing.T) {
	t.Parallel()
	o := newOperator(t, pgtest.New(t).URL)
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	if status, _, stderr := o.run(ctx, "list"); status != exitFailed || strings.Contains(stderr, "waiting for the servers") {
		t.Errorf("exit status %d\n%s", status, stderr)
	}
}
