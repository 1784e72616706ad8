package dblink_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

// whoAnswers is a statement as a materialized view has it: it names the server and knows nothing of sessions.
const whoAnswers = `SELECT t.pid FROM public.dblink('dw', 'SELECT pg_backend_pid()') AS t(pid text)`

func TestSession_ServesAViewThatNamesTheServer(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Cache, "CREATE MATERIALIZED VIEW seen AS "+whoAnswers+" WITH NO DATA")
	var ours string
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		ours = strconv.Itoa(s.PID())
		linktest.Exec(t, tx, "REFRESH MATERIALIZED VIEW seen")
		if got := linktest.Text(t, tx, "SELECT pid FROM seen"); got != ours {
			t.Errorf("session %s served the refresh, want %s", got, ours)
		}
	})
	linktest.Exec(t, b.Cache, "REFRESH MATERIALIZED VIEW seen") // by hand, without a session
	if got := linktest.Text(t, b.Cache, "SELECT pid FROM seen"); got == ours {
		t.Errorf("the closed session %s served a refresh by hand", got)
	}
}

func TestSession_HasItsSettings(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	b.InTx(t, func(tx pgx.Tx) {
		set := redshift.Settings{QueryGroup: `back\slash 'quoted'`, StatementTimeout: 1500 * time.Millisecond}
		s, err := dblink.Open(t.Context(), tx, "dw", set)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"query_group": `back\slash 'quoted'`, "extra_float_digits": "2", "TimeZone": "UTC", "DateStyle": "ISO, MDY",
		} {
			row, err := s.Row(t.Context(), "SELECT current_setting('"+name+"')", 1)
			if err != nil {
				t.Fatal(err)
			}
			if *row[0] != want {
				t.Errorf("%s is %q, want %q", name, *row[0], want)
			}
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOpen_ReplacesAConnectionThatWasLeftOpen(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	conn, err := b.Cache.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := linktest.Open(t, tx, "dw").PID()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	tx, err = conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	s := linktest.Open(t, tx, "dw")
	if got := linktest.Text(t, tx, whoAnswers); got != strconv.Itoa(s.PID()) || s.PID() == left {
		t.Errorf("session %s answers, want the new one %d, not %d", got, s.PID(), left)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestSession_OutlivesARollbackToASavepoint(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		linktest.InSavepoint(t, tx, func(pgx.Tx) {
			if _, err := redshift.Describe(t.Context(), s, "SELECT * FROM nowhere"); err == nil {
				t.Error("described a relation that does not exist")
			}
		})
		if _, err := redshift.Describe(t.Context(), s, "SELECT 1 AS a"); err != nil {
			t.Error(err)
		}
	})
}

func TestOpen_RefusesANameThatIsNoServer(t *testing.T) {
	t.Parallel()
	b := linktest.Unlinked(t, "dw")
	b.InTx(t, func(tx pgx.Tx) {
		// dblink would take this name for connection options.
		_, err := dblink.Open(t.Context(), tx, "host=127.0.0.1 dbname=x", redshift.Settings{})
		if !errors.Is(err, dblink.ErrNoServer) {
			t.Errorf("got %v, want ErrNoServer", err)
		}
	})
}

func TestOpen_TakesAnyServerName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{`Weird Name; drop table x`, "größe_наличие_🚀", "select", `back\slash "quoted" 'q'`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := linktest.Named(t, name)
			b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
				columns, err := redshift.Describe(t.Context(), s, "SELECT 7 AS n")
				if err != nil {
					t.Fatal(err)
				}
				if got := linktest.Text(t, tx, linktest.Select(t, s, columns, "SELECT 7 AS n")); got != "7" {
					t.Errorf("got %s, want 7", got)
				}
			})
			b.InTx(t, func(tx pgx.Tx) {
				if err := dblink.Drop(t.Context(), tx, name); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
