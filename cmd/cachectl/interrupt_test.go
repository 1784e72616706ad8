package main

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
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
	commands := [][]string{
		{"query", "dw", "select 1"},
		{"link", "test", "dw"},
		{"refresh", "bi.one"},
		{"doctor"},
		{"add-view", "bi.two", "--link", "dw", "--query", "select 1 as a"},
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var interrupted atomic.Int64 // when, by the clock
	var all sync.WaitGroup
	for _, args := range commands {
		all.Go(func() {
			status, _, stderr := o.run(ctx, args...)
			took := time.Since(time.Unix(0, interrupted.Load()))
			if status != exitFailed || took > 6*time.Second {
				t.Errorf("%s: exit status %d, %s after the interrupt\n%s", args, status, took, stderr)
			}
			for _, want := range []string{"cachectl: interrupted; waiting for the servers", "Ctrl-C ends cachectl at once", ": interrupted\n"} {
				if took > time.Second && !strings.Contains(stderr, want) {
					t.Errorf("%s: %q is missing:\n%s", args, want, stderr)
				}
			}
		})
	}
	await(t, pool, `SELECT count(*) = 1 FROM redcache.run WHERE state = 'running'`)
	for t.Context().Err() == nil && o.source.Silent() < len(commands) {
		await(t, pool, `SELECT true`)
	}
	interrupted.Store(time.Now().UnixNano())
	interrupt()
	all.Wait()
	await(t, pool, `SELECT state = 'canceled' FROM redcache.run ORDER BY id DESC LIMIT 1`)
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
