package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// doomed is a runner with a pool of its own, whose sessions somebody ends before a given statement.
type doomed struct {
	pool   *pgxpool.Pool
	runner *refresh.Runner
	kill   func(conn *pgx.Conn)

	mu    sync.Mutex
	sent  int
	after int  // the blow comes before the statement that follows so many
	dead  bool // the process: it cannot connect any more
}

// TraceQueryStart counts the statements.
func (d *doomed) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	d.mu.Lock()
	due := d.sent == d.after
	d.sent++
	d.mu.Unlock()
	if due {
		d.kill(conn)
	}
	return ctx
}

func (*doomed) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (b *bundle) doomed(t *testing.T) *doomed {
	t.Helper()
	d := &doomed{}
	config := b.pool.Config()
	config.ConnConfig.Tracer = d
	config.ConnConfig.RuntimeParams["application_name"] = "doomed"
	config.BeforeConnect = func(context.Context, *pgx.ConnConfig) error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.dead {
			return errors.New("the process is dead")
		}
		return nil
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	d.pool, d.runner = pool, refresh.NewRunner(pool, refresh.Config{Attempts: 1, Backoff: quick, CatchUpAfter: 1})
	return d
}

// refresh refreshes until the statement that follows so many, and says whether it got that far.
func (d *doomed) refresh(ctx context.Context, v catalog.View, after int) (run catalog.Run, struck bool, err error) {
	sent := d.until(after, func() { run, err = d.runner.Refresh(ctx, refresh.Request{View: v.Name}) })
	return run, sent > after, err
}

// until does something until the statement that follows so many, and says how many it has sent.
func (d *doomed) until(after int, do func()) (sent int) {
	d.mu.Lock()
	d.sent, d.after, d.dead = 0, after, false
	d.mu.Unlock()
	d.pool.Reset() // it is another process, and has none of the connections of the one that was killed
	do()
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sent
}

// terminate ends backends of the cache, also those that begin meanwhile, and waits until they are gone.
func (b *bundle) terminate(t *testing.T, which string, args ...any) {
	eventually(t, func() error {
		var n int
		err := b.pool.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE datname = current_database() AND `+which, args...).Scan(&n)
		if err == nil && n > 0 {
			err = fmt.Errorf("%d backends go on", n)
		}
		return err
	})
}

func TestKilled_AtEveryStep(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
		ways := []string{"backend", "caller"}
		if strategy == catalog.Swap && transport == catalog.DblinkTransport { // it has the most to leave behind
			ways = append(ways, "process")
		}
		for _, way := range ways {
			t.Run(way, func(t *testing.T) {
				t.Parallel()
				b, v := batches(t, strategy, transport)
				b.killAtEveryStep(t, v, way)
			})
		}
	}, catalog.Swap, catalog.Merge)
}

// killAtEveryStep kills a refresh before its first statement, another one before its second, and so on, until one gets
// through.
func (b *bundle) killAtEveryStep(t *testing.T, v catalog.View, way string) {
	t.Helper()
	d := b.doomed(t)
	batch, seen := 0, 0
	for after := 0; !t.Failed(); after++ {
		ctx, cancel := context.WithCancelCause(t.Context())
		d.kill = map[string]func(*pgx.Conn){
			"backend": func(conn *pgx.Conn) { b.terminate(t, `pid = $1`, conn.PgConn().PID()) },
			"process": func(*pgx.Conn) {
				d.mu.Lock()
				d.dead = true
				d.mu.Unlock()
				b.terminate(t, `application_name = 'doomed'`)
			},
			"caller": func(*pgx.Conn) { cancel(errors.New("stopped by the test")) },
		}[way]
		batch++
		b.nextBatch(t, batch)
		run, struck, err := d.refresh(ctx, v, after)
		cancel(nil)
		switch {
		case err != nil:
			b.wantBatch(t, v, seen)
		case run.Note != "": // loaded, and not published yet
			b.wantBatch(t, v, seen, batch)
		default:
			b.wantBatch(t, v, batch)
		}
		if err == nil || way == "process" { // an old generation, or the row of a run, may be left to the next one
			b.refresh(t, refresh.Request{View: v.Name})
			seen = b.wantBatch(t, v, batch)
		}
		b.wantNothingLeft(t)
		b.wantRunTold(t, way, run, err)
		if t.Failed() {
			t.Errorf("after statement %d, by the end of the %s: run %d is %s, %v, %s", after, way, run.ID, run.State, err, run.Note)
		}
		if !struck {
			if after < 15 {
				t.Errorf("a refresh was all of %d statements", after)
			}
			return
		}
	}
}

// A process that alters a view has switched it when it is killed. The old generation goes with the next refresh, also with
// one that switches nothing.
func TestKilled_AnAlterationLeavesNothingBeyondTheNextRefresh(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.DblinkTransport)
	d := b.doomed(t)
	definer := refresh.NewDefiner(d.pool, d.runner)
	alter := func(n, after int) (sent int) {
		return d.until(after, func() {
			_, _ = definer.Alter(t.Context(), v.Name, func(v *catalog.View) error {
				v.Indexes = []string{[]string{"batch", "note"}[n%2]}
				return nil
			}, false, nil)
		})
	}
	d.kill = func(*pgx.Conn) {
		d.mu.Lock()
		d.dead = true
		d.mu.Unlock()
		b.terminate(t, `application_name = 'doomed'`)
	}
	all := alter(0, math.MaxInt)
	for n := range 12 { // the last statements, the first of which comes before the switch
		b.nextBatch(t, n+1)
		alter(n+1, all-1-n)
		b.refresh(t, refresh.Request{View: v.Name})
		b.wantBatch(t, v, n+1)
		b.wantNothingLeft(t)
		if t.Failed() {
			t.Fatalf("after a kill before statement %d of %d", all-n, all)
		}
	}
}

// wantRunTold holds the history against what the caller was told.
func (b *bundle) wantRunTold(t *testing.T, way string, run catalog.Run, told error) {
	t.Helper()
	if run.ID == 0 {
		return // it did not come to a run
	}
	kept, err := b.store.Run(t.Context(), run.Key())
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Succeeded
	if told != nil {
		want = map[string]catalog.RunState{
			"backend": catalog.Failed, "process": catalog.Abandoned, "caller": catalog.Canceled,
		}[way]
	}
	if kept.State != want {
		t.Errorf("the history says %s, want %s", kept.State, want)
	}
}

// The remote side's end, in the midst of the rows.
func TestKilled_SourceInTheMidstOfTheRows(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
		b, v := batches(t, strategy, transport)
		once := refresh.NewRunner(b.pool, refresh.Config{Attempts: 1})
		for batch, strike := range []func(){
			func() { b.source.DropAfter(100) },
			func() { b.source.FailAfter(100, redshiftsim.SystemAbort()) },
			func() { b.source.FailAfter(199, redshiftsim.DiskFull()) },
		} {
			b.nextBatch(t, batch+1)
			strike()
			run, err := once.Refresh(t.Context(), refresh.Request{View: v.Name})
			if err == nil || run.State != catalog.Failed {
				t.Errorf("got %s, %v; want a failure", run.State, err)
			}
			b.wantBatch(t, v, batch)
			b.wantNothingLeft(t)
			b.refresh(t, refresh.Request{View: v.Name})
			b.wantBatch(t, v, batch+1)
		}
		b.wantNothingLeft(t)
	}, catalog.Swap, catalog.Merge)
}
