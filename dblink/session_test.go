package dblink_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
)

// whoAnswers is a statement as a materialized view has it: it names the server and knows nothing of sessions.
const whoAnswers = `SELECT t.pid FROM public.dblink('dw', 'SELECT pg_backend_pid()') AS t(pid text)`

func TestSession_ServesAViewThatNamesTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mustExec(t, b.cache, "CREATE MATERIALIZED VIEW seen AS "+whoAnswers+" WITH NO DATA")
	var ours string
	b.inSession(t, func(tx pgx.Tx, s *dblink.Session) {
		ours = strconv.Itoa(s.PID())
		mustExec(t, tx, "REFRESH MATERIALIZED VIEW seen")
		if got := mustText(t, tx, "SELECT pid FROM seen"); got != ours {
			t.Errorf("session %s served the refresh, want %s", got, ours)
		}
	})
	mustExec(t, b.cache, "REFRESH MATERIALIZED VIEW seen") // by hand, without a session
	if got := mustText(t, b.cache, "SELECT pid FROM seen"); got == ours {
		t.Errorf("the closed session %s served a refresh by hand", got)
	}
}

func TestSession_HasItsSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.inTx(t, func(tx pgx.Tx) {
		set := dblink.Settings{QueryGroup: `back\slash 'quoted'`, StatementTimeout: 1500 * time.Millisecond}
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
	b := setup(t)
	conn, err := b.cache.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	left := mustOpen(t, tx, "dw").PID()
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	tx, err = conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	s := mustOpen(t, tx, "dw")
	if got := mustText(t, tx, whoAnswers); got != strconv.Itoa(s.PID()) || s.PID() == left {
		t.Errorf("session %s answers, want the new one %d, not %d", got, s.PID(), left)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestSession_OutlivesARollbackToASavepoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.inSession(t, func(tx pgx.Tx, s *dblink.Session) {
		inSavepoint(t, tx, func(pgx.Tx) {
			if _, err := s.Describe(t.Context(), "SELECT * FROM nowhere"); err == nil {
				t.Error("described a relation that does not exist")
			}
		})
		if _, err := s.Describe(t.Context(), "SELECT 1 AS a"); err != nil {
			t.Error(err)
		}
	})
}

func TestOpen_RefusesANameThatIsNoServer(t *testing.T) {
	t.Parallel()
	b := unlinked(t, "dw")
	b.inTx(t, func(tx pgx.Tx) {
		// dblink would take this name for connection options.
		_, err := dblink.Open(t.Context(), tx, "host=127.0.0.1 dbname=x", dblink.Settings{})
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
			b := setupNamed(t, name)
			b.inSession(t, func(tx pgx.Tx, s *dblink.Session) {
				columns, err := s.Describe(t.Context(), "SELECT 7 AS n")
				if err != nil {
					t.Fatal(err)
				}
				if got := mustText(t, tx, mustSelect(t, s, columns, "SELECT 7 AS n")); got != "7" {
					t.Errorf("got %s, want 7", got)
				}
			})
			b.inTx(t, func(tx pgx.Tx) {
				if err := dblink.Drop(t.Context(), tx, name); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
