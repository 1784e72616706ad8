package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/infra"
)

// A list of migrations that this program does not know, or that nobody can have made, is refused by whoever begins, and by
// init, which changes nothing.
func TestStore_RefusesOtherVersions(t *testing.T) {
	t.Parallel()
	next := catalog.Newest + 1
	for _, tt := range []struct {
		name, change string
		err          []string // parts of it; none: it is in order
		hint         string
		newer        bool
	}{
		{
			name: "newer", change: fmt.Sprintf(`INSERT INTO redcache.schema_version (version_id, is_applied) VALUES (%d, true), (%d, true)`, next, next+1),
			err:  []string{"newer", fmt.Sprintf("has version %d, this program knows version %d", next+1, catalog.Newest)},
			hint: "Replace this program by a newer one", newer: true,
		},
		{
			name: "gap", change: `DELETE FROM redcache.schema_version WHERE version_id = 2`,
			err: []string{"not whole", "lists the migrations 1, 3, 4"}, hint: "Give it back the row that is missing",
		},
		{
			name: "first", change: `DELETE FROM redcache.schema_version WHERE version_id = 1`,
			err: []string{"lists the migrations 2, 3, 4"}, hint: "Give it back",
		},
		{
			name: "taken back", change: `UPDATE redcache.schema_version SET is_applied = false WHERE version_id = 3`,
			err: []string{"lists the migrations 1, 2, 4"}, hint: "Give it back",
		},
		{
			name: "unknown", change: `INSERT INTO redcache.schema_version (version_id, is_applied) VALUES (20260101, true)`,
			err: []string{"20260101"}, hint: "or delete the one that no migration has written",
		},
		{
			name: "negative", change: `INSERT INTO redcache.schema_version (version_id, is_applied) VALUES (-7, true)`,
			err: []string{"lists the migrations -7, 1, 2"}, hint: "or delete the one",
		},
		{name: "goose's first row", change: `INSERT INTO redcache.schema_version (version_id, is_applied) VALUES (0, true)`},
		{name: "twice", change: `INSERT INTO redcache.schema_version (version_id, is_applied) VALUES (2, true)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store, pool, link := newCatalog(t)
			exec(t, pool, tt.change)
			added := sales()
			added.Link = link
			if _, err := store.AddView(t.Context(), added, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := store.Members(t.Context(), added.Name); tt.newer && !errors.Is(err, catalog.ErrNewer) {
				t.Errorf("what a refresh reads under its lock: %v", err)
			}
			const rows = `SELECT array_agg(version_id::text ORDER BY id) FROM redcache.schema_version`
			var before, after []string
			if err := pool.QueryRow(t.Context(), rows).Scan(&before); err != nil {
				t.Fatal(err)
			}
			_, planned := migrate.Pending(t.Context(), pool)
			_, migrated := migrate.Up(t.Context(), pool)
			for what, err := range map[string]error{
				"ready": store.Ready(t.Context()), "current": store.Current(t.Context()), "planned": planned, "migrated": migrated,
			} {
				if len(tt.err) == 0 {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
					continue
				}
				if !catalog.Unfit(err) || errors.Is(err, catalog.ErrNewer) != tt.newer || !strings.Contains(infra.Hint(err), tt.hint) {
					t.Errorf("%s: %v, hint %q", what, err, infra.Hint(err))
				}
				for _, part := range tt.err {
					if !strings.Contains(fmt.Sprint(err), part) {
						t.Errorf("%s: %v lacks %q", what, err, part)
					}
				}
			}
			if err := pool.QueryRow(t.Context(), rows).Scan(&after); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("%v, was %v, %v", after, before, err)
			}
		})
	}
}

// What was written for one version and meets another says so, and nothing else does.
func TestStore_ExplainsFailuresByTheVersion(t *testing.T) {
	t.Parallel()
	store, pool, _ := newCatalog(t)
	missing := func() error {
		_, err := pool.Exec(t.Context(), `SELECT strategy FROM redcache.view`)
		return err
	}
	if err := missing(); !errors.Is(store.Explain(t.Context(), err), err) || catalog.Unfit(store.Explain(t.Context(), err)) {
		t.Errorf("of the right version: %v", store.Explain(t.Context(), err))
	}
	if err := store.Explain(t.Context(), nil); err != nil {
		t.Errorf("of nothing: %v", err)
	}
	exec(t, pool, fmt.Sprintf(`INSERT INTO redcache.schema_version (version_id, is_applied) VALUES (%d, true)`, catalog.Newest+1))
	var n int
	scanned := pool.QueryRow(t.Context(), `SELECT 'x'::text`).Scan(&n)
	_, cast := pool.Exec(t.Context(), `SELECT 'x'::text = 1`)
	for _, err := range []error{missing(), scanned, cast} {
		told := store.Explain(t.Context(), err)
		if !errors.Is(told, catalog.ErrNewer) || !errors.Is(told, err) || !strings.HasPrefix(infra.Hint(told), "Replace this program") {
			t.Errorf("%v: told %v, hint %q", err, told, infra.Hint(told))
		}
	}
	if err := store.Explain(t.Context(), errors.New("no network")); catalog.Unfit(err) {
		t.Errorf("something else: %v", err)
	}
}

func exec(t *testing.T, pool *pgxpool.Pool, statement string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
