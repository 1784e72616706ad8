package integration_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// patience is how long a server may take to notice that a client is dead: it looks every five seconds.
const patience = time.Minute

// eventually asks until check is content.
func eventually(t testing.TB, limit time.Duration, check func() error) {
	t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("after %s: %v", limit, err)
		case <-tick.C:
		}
	}
}

// lines returns the rows of a query as sorted lines of text.
func lines(ctx context.Context, pool *pgxpool.Pool, query string) ([]string, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	results, err := conn.Conn().PgConn().Exec(ctx, query).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	var all []string
	for _, row := range results[len(results)-1].Rows {
		var line strings.Builder
		for _, value := range row {
			if value == nil {
				line.WriteString("NULL|")
			} else {
				line.WriteString(strconv.Quote(string(value)) + "|")
			}
		}
		all = append(all, line.String())
	}
	slices.Sort(all)
	return all, nil
}

func mustLines(t testing.TB, pool *pgxpool.Pool, query string) []string {
	t.Helper()
	all, err := lines(t.Context(), pool, query)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// wantEqual holds a cached view against a query on the source, byte for byte.
func (w *world) wantEqual(t testing.TB, view, query string) {
	t.Helper()
	source, copied := mustLines(t, w.engine, query), mustLines(t, w.pool, "SELECT * FROM "+view)
	if len(source) == 0 {
		t.Errorf("view %s: the source is empty, which proves nothing", view)
	}
	if slices.Equal(source, copied) {
		return
	}
	t.Errorf("view %s has %d rows, its source %d\nonly in the source: %s\nonly in the cache: %s",
		view, len(copied), len(source), strings.Join(without(source, copied), "\n"),
		strings.Join(without(copied, source), "\n"))
}

// without returns the first few lines of one sorted list that another one lacks.
func without(all, others []string) (rest []string) {
	for _, line := range all {
		if _, found := slices.BinarySearch(others, line); !found && len(rest) < 5 {
			rest = append(rest, line)
		}
	}
	return rest
}

// wantNoLocks waits until no refresh has a lock or a transaction in the cache.
func (w *world) wantNoLocks(t testing.TB) {
	t.Helper()
	for what, query := range map[string]string{
		"advisory locks": `SELECT l.pid, a.application_name, a.state, a.wait_event, a.query
			FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory'`,
		"open transactions": `SELECT pid, application_name, state, query FROM pg_stat_activity
			WHERE datname = current_database() AND xact_start IS NOT NULL
			AND application_name ~ '^(redcache worker|cachectl) '`,
	} {
		eventually(t, patience, func() error {
			left, err := lines(t.Context(), w.admin, query)
			if err == nil && len(left) > 0 {
				err = fmt.Errorf("left behind: %s: %v", what, left)
			}
			return err
		})
	}
}

// wantNothingHeld waits in addition until no session is left on the source.
func (w *world) wantNothingHeld(t testing.TB) {
	t.Helper()
	w.wantNoLocks(t)
	eventually(t, patience, func() error {
		if n := w.source.Sessions(); n > 0 {
			return fmt.Errorf("left behind: %d sessions on the source", n)
		}
		return nil
	})
}

// wantNothingLeft wants in addition that nobody says to be running, and that there is no relation that nobody sees.
func (w *world) wantNothingLeft(t testing.TB) {
	t.Helper()
	w.wantNothingHeld(t)
	for what, query := range map[string]string{
		"running runs": `SELECT id, view_id, pid FROM redcache.run WHERE state = 'running'`,
		"generations nobody sees": `SELECT c.relname FROM pg_class c
			WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('r', 'm') AND c.relname NOT IN (
				SELECT 'v' || view_id || '_g' || generation FROM redcache.copy WHERE generation IS NOT NULL)`,
		"temporary relations": `SELECT relname FROM pg_class WHERE relpersistence = 't'`,
	} {
		if left := mustLines(t, w.admin, query); len(left) > 0 {
			t.Errorf("left behind: %s: %v", what, left)
		}
	}
}

// wantNothingLeftByTheNextRun is for a crowd that refreshes the same views: a run that drops an old generation waits for
// nobody, so one that somebody else looks at in that moment, only to find that the view is not due any more, stays until
// the next run of the view.
func (w *world) wantNothingLeftByTheNextRun(t testing.TB) {
	t.Helper()
	w.wantNothingHeld(t)
	crowded := mustLines(t, w.admin, `
		SELECT DISTINCT v.schema_name || '.' || v.view_name
		FROM redcache.view v JOIN redcache.copy s ON s.view_id = v.id
		JOIN pg_class c ON c.relname ~ ('^v' || v.id || '_g[0-9]+$') AND c.relname <> 'v' || v.id || '_g' || s.generation
		WHERE c.relnamespace = 'redcache_data'::regnamespace AND c.relkind IN ('r', 'm')`)
	for _, row := range crowded {
		w.cachectl(t, "refresh", strings.Trim(row, `[]"|`), "--wait", "30s")
	}
	w.wantNothingLeft(t)
}

// pastRun is a run as `cachectl runs --json` prints it.
type pastRun struct {
	ID          int64
	View        string
	Strategy    string
	State       string
	Origin      string
	Application string
	PID         *int `json:"pid"`
	Attempts    int
	StartedAt   time.Time  `json:"started_at"`
	FinishedAt  *time.Time `json:"finished_at"`
	Holder      *string
	Error       *string
	Hint        *string
}

// runs returns the history after a run, oldest first.
func (w *world) runs(t testing.TB, after int64) []pastRun {
	t.Helper()
	var all []pastRun
	out := w.cachectl(t, "runs", "--json", "--limit", "1000000")
	if err := json.Unmarshal([]byte(out), &all); err != nil {
		t.Fatalf("read runs: %v\n%s", err, out)
	}
	all = slices.DeleteFunc(all, func(r pastRun) bool { return r.ID <= after })
	slices.SortFunc(all, func(a, b pastRun) int { return int(a.ID - b.ID) })
	return all
}

// wantCount returns an error unless a query on the cache has so many rows.
func (w *world) wantCount(t testing.TB, query string, want int) error {
	t.Helper()
	got, err := lines(t.Context(), w.admin, query)
	if err == nil && len(got) != want {
		err = fmt.Errorf("%s: got %v, want %d rows", query, got, want)
	}
	return err
}
