package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

var errTwoAges = errors.New("a reader sees two ages")

// joined reads all views with one statement, and returns the age that they have in common.
func joined(ctx context.Context, db querier, views []catalog.View) (age int, err error) {
	parts := make([]string, len(views))
	for n, v := range views {
		parts[n] = "SELECT age FROM " + v.Name.SQL()
	}
	var low, high, n int
	err = db.QueryRow(ctx, "SELECT min(age), max(age), count(*) FROM ("+strings.Join(parts, " UNION ALL ")+") a").Scan(&low, &high, &n)
	if err == nil && (low != high || n != aged*len(views)) {
		err = fmt.Errorf("%w: %d rows of the ages %d to %d", errTwoAges, n, low, high)
	}
	return low, err
}

// oneByOne reads all views with a statement each, in one snapshot, and returns the age that they have in common.
func oneByOne(ctx context.Context, conn *pgx.Conn, views []catalog.View) (age int, err error) {
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		for n, v := range views {
			next, err := joined(ctx, tx, []catalog.View{v})
			if err != nil {
				return err
			}
			if n > 0 && next != age {
				return fmt.Errorf("%w: %d in %s, %d before", errTwoAges, next, v.Name, age)
			}
			age = next
		}
		return nil
	})
	return age, err
}

func TestGroup_ReadersNeverSeeTwoAges(t *testing.T) {
	t.Parallel()
	keyless := func(v *catalog.View) { v.Key = nil }
	for name, tt := range map[string]struct {
		transport  catalog.Transport
		strategies []catalog.Strategy
		alter      []func(*catalog.View) // the first view, again and again
	}{
		"swap by stream":      {catalog.StreamTransport, []catalog.Strategy{catalog.Swap, catalog.Swap, catalog.Swap}, nil},
		"swap through dblink": {catalog.DblinkTransport, []catalog.Strategy{catalog.Swap, catalog.Swap}, nil},
		"merge":               {catalog.StreamTransport, []catalog.Strategy{catalog.Merge, catalog.Merge}, nil},
		"in place": {
			catalog.AutoTransport, []catalog.Strategy{catalog.Merge, catalog.Incremental, catalog.Concurrent, catalog.Swap}, nil,
		},
		"with one that must be rebuilt": {
			catalog.AutoTransport, []catalog.Strategy{catalog.Nonconcurrent, catalog.Merge, catalog.Incremental, catalog.Concurrent}, nil,
		},
		"with one that is altered": {
			catalog.StreamTransport,
			[]catalog.Strategy{catalog.Swap, catalog.Merge, catalog.Incremental},
			[]func(*catalog.View){keyless, func(v *catalog.View) { v.Key = []string{"id"} }},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			views := b.group(t, tt.transport, tt.strategies...)
			runner := refresh.NewRunner(b.pool, refresh.Config{SwitchPatience: 500 * time.Millisecond})
			ages := b.readTogether(t, views, func(ctx context.Context) error {
				for n := range 6 {
					if err := b.grow(ctx, views); err != nil {
						return err
					}
					if tt.alter != nil && n%3 == 0 {
						if err := <-b.alter(ctx, views[0].Name, tt.alter[n/3%2]); err != nil {
							return err
						}
						continue
					}
					run, err := runner.Refresh(ctx, refresh.Request{View: views[n%len(views)].Name})
					if err != nil || run.State != catalog.Succeeded || run.Note != "" {
						return fmt.Errorf("refresh: %s, %q, %w", run.State, run.Note, err)
					}
				}
				return nil
			})
			if ages < 4 {
				t.Errorf("readers saw %d ages, which proves little", ages)
			}
			b.refresh(t, refresh.Request{View: views[0].Name})
			for _, v := range views {
				b.wantEqual(t, v)
			}
			b.wantNoDeadlocks(t)
			b.wantNothingLeft(t)
		})
	}
}

// readTogether reads the views while work goes on, in every way a reader may join them, and returns how many ages the
// readers saw.
func (b *bundle) readTogether(t *testing.T, views []catalog.View, work func(ctx context.Context) error) int {
	t.Helper()
	backwards := slices.Clone(views)
	slices.Reverse(backwards)
	stop := make(chan struct{})
	var mu sync.Mutex
	seen := map[int]bool{}
	var readers []<-chan struct{}
	for _, read := range []func(ctx context.Context, conn *pgx.Conn) (int, error){
		func(ctx context.Context, conn *pgx.Conn) (int, error) { return joined(ctx, conn, views) },
		func(ctx context.Context, conn *pgx.Conn) (int, error) { return oneByOne(ctx, conn, views) },
		func(ctx context.Context, conn *pgx.Conn) (int, error) { return oneByOne(ctx, conn, backwards) },
	} {
		last := 0
		readers = append(readers, b.keepReading(t, 10*time.Millisecond, stop, func(ctx context.Context, conn *pgx.Conn) bool {
			age, err := read(ctx, conn)
			if err != nil || age < last {
				t.Errorf("a reader sees age %d after %d: %v", age, last, err)
				return false
			}
			last = age
			mu.Lock()
			defer mu.Unlock()
			seen[age] = true
			return true
		}))
	}
	if err := work(t.Context()); err != nil {
		t.Error(err)
	}
	close(stop)
	for _, ended := range readers {
		await(t, ended)
	}
	return len(seen)
}

func (b *bundle) wantNoDeadlocks(t *testing.T) {
	t.Helper()
	if got := rows(t, b.pool, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`); !slices.Equal(got, []string{`"0" `}) {
		t.Errorf("got %s deadlocks", got)
	}
}

// A materialized view that is filled anew shows its rows to every snapshot, other than rows that change.
func TestGroup_AnOldSnapshotSeesOneAge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.group(t, catalog.AutoTransport, catalog.Merge, catalog.Nonconcurrent)
	reader := b.oldReader(t)
	first, err := joined(t.Context(), reader, views[:1])
	if err != nil {
		t.Fatal(err)
	}
	if err := b.grow(t.Context(), views); err != nil {
		t.Fatal(err)
	}
	refreshing := b.refreshing(t.Context(), refresh.Request{View: views[0].Name})
	// Committed, although readers need not see it yet.
	b.untilSome(t, `SELECT FROM redcache.run WHERE state = 'succeeded' HAVING count(*) >= 4`)
	second, err := joined(t.Context(), reader, views[1:])
	if err != nil || first != second {
		t.Errorf("a snapshot shows age %d in one view, and age %d in another: %v", first, second, err)
	}
	leave(t, reader)
	wantSucceeded(t, refreshing)
	b.wantAge(t, views, 1)
	b.wantNothingLeft(t)
}

// A view that joins brings a generation that its readers do not see yet, as somebody reads the old one.
func TestGroup_OneThatIsNotPublishedYetKeepsTheOthersWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.group(t, catalog.DblinkTransport, catalog.Merge, catalog.Merge)
	if err := <-b.alter(t.Context(), views[1].Name, func(v *catalog.View) { v.Group = "" }); err != nil {
		t.Fatal(err)
	}
	old := b.oldReader(t)
	_, err := b.impatient().Alter(t.Context(), views[1].Name, func(v *catalog.View) error { v.Indexes = []string{"age"}; return nil }, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-b.alter(t.Context(), views[1].Name, func(v *catalog.View) { v.Group = "finance" }); err != nil {
		t.Fatal(err)
	}
	if err := b.grow(t.Context(), views); err != nil {
		t.Fatal(err)
	}
	refreshing := b.refreshing(t.Context(), refresh.Request{View: views[0].Name})
	b.untilSome(t, `SELECT FROM redcache.run WHERE state = 'succeeded'
		AND as_of > (SELECT max(changed_at) FROM redcache.view) HAVING count(*) >= 2`)
	if _, err := joined(t.Context(), b.readers, views); err != nil {
		t.Error(err)
	}
	leave(t, old)
	wantSucceeded(t, refreshing)
	b.wantAge(t, views, 1)
	b.wantNothingLeft(t)
}

// Everybody refreshes and alters everything.
func TestGroup_NobodyWaitsForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.group(t, catalog.AutoTransport, catalog.Swap, catalog.Merge, catalog.Incremental)
	succeeded := make([]int, 3)
	b.readTogether(t, views, func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx) // not by a deadline: a refresh refuses to begin shortly before one
		defer cancel()
		defer time.AfterFunc(5*time.Second, cancel).Stop()
		var loops sync.WaitGroup
		for n := range succeeded {
			loops.Go(func() {
				for i := n; ctx.Err() == nil; i++ {
					wait := time.Duration(n) * 5 * time.Second // the first does not wait
					run, err := b.runner.Refresh(ctx, refresh.Request{View: views[i%len(views)].Name, Wait: wait})
					if err != nil && ctx.Err() == nil {
						t.Errorf("refresh: %v", err)
						return
					}
					if run.State == catalog.Succeeded {
						succeeded[n]++
					}
				}
			})
		}
		loops.Go(func() {
			for ctx.Err() == nil {
				if err := b.grow(ctx, views); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
		loops.Wait()
		return nil
	})
	if slices.Min(succeeded[1:]) == 0 {
		t.Errorf("the loops have refreshed %d times", succeeded)
	}
	b.refresh(t, refresh.Request{View: views[0].Name, Wait: 10 * time.Second})
	for _, v := range views {
		b.wantEqual(t, v)
	}
	b.wantNoDeadlocks(t)
	b.wantNothingLeft(t)
}
