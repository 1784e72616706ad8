package migrate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

// Applications poll redcache.freshness. While a migration waits for a refresh that goes on, and when it gets its turn, they
// wait no longer than for one try, and see no error.
func TestUp_LetsReadersPass(t *testing.T) {
	t.Parallel()
	for _, version := range []int64{3, 4} {
		t.Run(fmt.Sprint("from version ", version), func(t *testing.T) {
			t.Parallel()
			db, pool := ofVersion(t, version)
			do(t, pool, older)
			do(t, pool, `GRANT USAGE ON SCHEMA redcache TO redcache_reader; GRANT SELECT ON redcache.freshness TO redcache_reader`)
			held, stop := context.WithCancel(t.Context())
			defer stop()
			release := refreshing(t, db) // which has read its definition
			var readers sync.WaitGroup
			waits := make([]time.Duration, 3)
			for i := range waits {
				reader := db.ReaderPool(t)
				readers.Go(func() {
					for held.Err() == nil {
						began := time.Now()
						if _, err := reader.Exec(t.Context(), `SELECT * FROM redcache.freshness`); err != nil {
							t.Errorf("a reader: %v", err)
							return
						}
						waits[i] = max(waits[i], time.Since(began))
					}
				})
			}
			done, tries := make(chan error, 1), make(chan struct{}, 1000)
			go func() {
				_, err := patiently(t.Context(), pool, patience, nil, func(tx pgx.Tx) ([]Migration, error) {
					tries <- struct{}{}
					return up(t.Context(), tx, math.MaxInt64)
				})
				done <- err
			}()
			for range 4 {
				select {
				case <-tries:
				case err := <-done:
					t.Fatalf("it did not wait for the refresh: %v", err)
				case <-time.After(30 * time.Second):
					t.Fatal("it does not try again")
				}
			}
			release()
			released := time.Now()
			if err := <-done; err != nil {
				t.Error(err)
			}
			most := readersWait + time.Since(released) + 300*time.Millisecond // one try, the migration itself, and a machine that does much else
			stop()
			readers.Wait()
			for _, wait := range waits {
				t.Logf("a reader waited for %s", wait)
				if wait > most || wait == 0 {
					t.Errorf("a reader waited for %s, want at most %s", wait, most)
				}
			}
		})
	}
}

// refreshing is a refresh by an older program that is under way, until it is released.
func refreshing(t *testing.T, db *pgtest.Database) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.URL+"&application_name=redcache%20worker%20old:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	for _, statement := range []string{`BEGIN`, `SELECT * FROM redcache.view v LEFT JOIN redcache.state s ON s.view_id = v.id`} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		if _, err := conn.Exec(t.Context(), `COMMIT`); err != nil {
			t.Error(err)
		}
	}
}

// Who keeps the catalog in use for too long is named, and nothing has changed.
func TestUp_NamesWhoIsInTheWay(t *testing.T) {
	t.Parallel()
	db, pool := version3(t)
	do(t, pool, older)
	before := text(t, pool, sameRows)
	release := refreshing(t, db)
	try := func() error {
		_, err := patiently(t.Context(), pool, 300*time.Millisecond, nil, func(tx pgx.Tx) ([]Migration, error) { return up(t.Context(), tx, math.MaxInt64) })
		return err
	}
	err := try()
	busy, ok := errors.AsType[*BusyError](err)
	if !ok || len(busy.Holders) != 1 || !strings.Contains(err.Error(), "(redcache worker old:1) since") || !strings.Contains(infra.Hint(err), "Stop workers") {
		t.Errorf("got %v, hint %q", err, infra.Hint(err))
	}
	if got := text(t, pool, sameRows); got != before {
		t.Errorf("%s, was %s", got, before)
	}
	release()
	if err := try(); err != nil {
		t.Error(err)
	}
}

// Several that migrate at once do it once, whatever the version.
func TestUp_SeveralAtOnce(t *testing.T) {
	t.Parallel()
	for _, version := range []int64{3, 4} {
		t.Run(fmt.Sprint("from version ", version), func(t *testing.T) {
			t.Parallel()
			_, pool := ofVersion(t, version)
			do(t, pool, older)
			var all sync.WaitGroup
			var applied atomic.Int64
			for range 3 {
				all.Go(func() {
					done, err := Up(t.Context(), pool)
					if err != nil {
						t.Error(err)
					}
					applied.Add(int64(len(done)))
				})
			}
			all.Wait()
			if got, want := applied.Load(), int64(catalog.Newest)-version; got != want {
				t.Errorf("%d migrations were applied, want %d", got, want)
			}
			if got := text(t, pool, `SELECT count(*)::text FROM redcache.defined`); got != "10" {
				t.Errorf("%s views are left, of 10", got)
			}
			if err := catalog.In(pool).Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whom it waits for is told while it waits, once.
func TestUpTelling_SaysWhomItWaitsFor(t *testing.T) {
	t.Parallel()
	db, pool := version3(t)
	release := refreshing(t, db)
	var told []string
	applied, err := UpTelling(t.Context(), pool, func(who string) {
		told = append(told, who)
		release()
	})
	if err != nil || len(applied) == 0 {
		t.Errorf("applied %v, %v", applied, err)
	}
	if len(told) != 1 || !strings.Contains(told[0], "redcache worker old:1") {
		t.Errorf("told %q", told)
	}
}
