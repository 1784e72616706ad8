package dblink_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

func TestSession_SeesOneMomentInASnapshot(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE odd (id int)")
	// A view reads through the same session, and so from the same moment.
	linktest.Exec(t, b.Cache, "CREATE MATERIALIZED VIEW copied AS SELECT t.n FROM public.dblink('dw', 'SELECT count(*) FROM odd') AS t(n int)")
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		count := func() string {
			row, err := s.Row(t.Context(), "SELECT count(*) FROM odd", 1)
			if err != nil {
				t.Fatal(err)
			}
			return *row[0]
		}
		add := func() { linktest.Exec(t, b.Warehouse.Engine, "INSERT INTO odd VALUES (1)") }
		add()
		if err := s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != "1" {
			t.Errorf("the snapshot starts with %s rows, want 1", got)
		}
		add()
		linktest.Exec(t, tx, "REFRESH MATERIALIZED VIEW copied")
		if got, refreshed := count(), linktest.Text(t, tx, "SELECT n::text FROM copied"); got != "1" || refreshed != "1" {
			t.Errorf("the snapshot has %s rows, and %s for a view, want 1", got, refreshed)
		}
		if err := s.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := count(); got != "2" {
			t.Errorf("there are %s rows after the snapshot, want 2", got)
		}
	})
}

func TestSession_ClosesWithinASnapshot(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	for name, ask := range map[string]string{"open": "SELECT 1", "failed": "SELECT 1/0"} {
		b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
			if err := s.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			linktest.InSavepoint(t, tx, func(pgx.Tx) {
				if _, err := s.Row(t.Context(), ask, 1); (err != nil) != (name == "failed") {
					t.Errorf("%s: %v", name, err)
				}
			})
		}) // closes
		b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
			row, err := s.Row(t.Context(), "SELECT current_setting('transaction_read_only')", 1)
			if err != nil || *row[0] != "off" {
				t.Errorf("after a snapshot that was %s: got %v, %v in the next session", name, row, err)
			}
		})
	}
}

func TestSession_WritesNothingInASnapshot(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		if err := s.Begin(t.Context()); err != nil {
			t.Fatal(err)
		}
		linktest.InSavepoint(t, tx, func(pgx.Tx) {
			if _, err := redshift.Describe(t.Context(), s, "SELECT 1 AS a"); redshift.ServerCode(err, redshift.There) != "25006" {
				t.Errorf("got %v, want 25006", err)
			}
		})
	})
}
