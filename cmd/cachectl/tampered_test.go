package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
	"github.com/redcache/redcache/schedule"
)

// tamperings are what somebody writes into the row of redcache.generation that readers of bi.one see.
var tamperings = []struct {
	set   string // SQL
	says  string // list, status and refresh, until somebody mends it; empty: the next refresh makes up for it
	alter string // that mends it; empty: nothing but the row itself does
}{
	{set: `definition = definition || '{"key": "id"}'`, says: "its stored definition cannot be read: field key is a string"},
	{set: `definition = definition || '{"source": [7]}'`, says: "its stored definition cannot be read: field source is an array"},
	{set: `definition = definition || '{"timeout": 1e9}'`, says: "--timeout is too long", alter: "--timeout 1h"},
	{set: `definition = definition || '{"max_age": 1e12}'`},
	{set: `columns = '[{"name": 7}]'`, says: "its stored columns cannot be read: field name is a number"},
	{set: `columns = '[null]'`, says: "its stored columns are none, or have no name", alter: "--describe"},
	{set: `as_of = 'infinity', reconciled_at = '-infinity'`},
	{set: `number = -2147483648`},
	{set: `number = 999999999`},
	{set: `number = 2147483647`},
	{set: `state = 'retired'`, says: "it shows generation 1, and redcache.generation does not say so"},
	{set: `set_id = 7`, says: "generation 1 of it is in force, and redcache.generation says that it belongs to set 7"},
}

// A row of a generation that somebody has tampered with is trouble of its own view, which is named, and no other's. Nothing
// that readers see goes, and the view can be dropped.
func TestRun_ATamperedGenerationIsItsOwnViewsTrouble(t *testing.T) {
	t.Parallel()
	for _, tt := range tamperings {
		t.Run(tt.set, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			o, pool := newOperator(t, db.URL), pgtest.OpenPool(t, db.URL)
			o.must(t, "init")
			o.must(t, o.link(redshiftsim.User)...)
			for _, name := range []string{"bi.one", "bi.two"} {
				o.must(t, "add-view", name, "--link", "dw", "--query", "select 1 as id", "--key", "id", "--strategy", "swap", "--every", "1h")
			}
			tamper(t, pool, tt.set)
			one := func(want string, args ...string) {
				t.Helper()
				status, stdout, stderr := o.run(t.Context(), args...)
				_, stdout, _ = strings.Cut(stdout, "bi.one")
				stdout, others, _ := strings.Cut(stdout, "bi.two")
				said := stdout + stderr
				if !strings.Contains(said, want) || want == "" && strings.Contains(said, "view: ") || strings.Contains(others, "view: ") ||
					strings.Contains(stderr, "cachectl: refresh view bi.two") || (args[0] == "refresh") != (status == exitFailed) && want != "" {
					t.Errorf("%s: exit status %d, want %q in\n%s%s", args, status, want, said, others)
				}
			}
			o.must(t, "list", "--json")
			if tt.says != "" {
				one(tt.says, "list")
				one(tt.says, "status", "bi.one")
				one(tt.says, "refresh", "bi.one")
				one(tt.says, "refresh", "--all")
			}
			workUntil(t, pool, "bi.two")
			if err := refresh.NewRunner(pool, refresh.Config{}).CleanUp(t.Context()); err != nil {
				t.Error(err)
			}
			await(t, pool, `SELECT count(*) = 1 FROM bi.one`)
			if tt.alter != "" {
				o.must(t, append([]string{"alter-view", "bi.one"}, strings.Fields(tt.alter)...)...)
			}
			if tt.says == "" || tt.alter != "" || strings.HasPrefix(tt.set, "set_id") { // whose set was left behind
				o.must(t, "refresh", "bi.one")
				one("", "list")
			}
			o.must(t, "drop-view", "bi.one")
			o.must(t, "refresh", "bi.two")
			await(t, pool, `SELECT count(*) = 0 FROM pg_class WHERE relnamespace = 'redcache_data'::regnamespace AND relname LIKE 'v1%'`)
		})
	}
}

func tamper(t *testing.T, pool *pgxpool.Pool, set string) {
	t.Helper()
	for _, statement := range []string{
		`INSERT INTO redcache.set (id, touched_at) OVERRIDING SYSTEM VALUE VALUES (7, now() - interval '1 hour')`,
		fmt.Sprintf(`WITH g AS (UPDATE redcache.generation SET %s WHERE view_id = 1 RETURNING number)
			UPDATE redcache.view SET generation = g.number FROM g WHERE id = 1`, set),
	} {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// workUntil has a worker's loop work until it has refreshed a view.
func workUntil(t *testing.T, pool *pgxpool.Pool, name string) {
	t.Helper()
	loop, err := schedule.New(catalog.In(pool), refresh.NewRunner(pool, refresh.Config{Origin: "worker"}), schedule.Config{Poll: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE redcache.state SET next_due = now() - interval '1 minute'`); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- loop.Run(ctx) }()
	await(t, pool, `SELECT count(*) > 0 FROM redcache.run r JOIN redcache.view v ON v.id = r.view_id
		WHERE r.origin = 'worker' AND r.state = 'succeeded' AND format('%I.%I', v.schema_name, v.view_name) = '`+name+`'`)
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
