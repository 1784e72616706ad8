package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
)

// look is what one reader saw of all views of a unit.
type look struct {
	how         string
	first, last int // the steps during which its transaction lived
	vector      string
}

// readers read all units until they are stopped.
type readers struct {
	h     *history
	pause time.Duration
	count atomic.Int64
	errs  chan error
	done  chan struct{}
	stop  context.CancelFunc
}

// readerKinds are the ways in which readers read, and how their statements travel: behind a pooler without preparing
// them, as the columns of a view may change; or prepared once for all.
var readerKinds = []struct {
	name string
	mode pgx.QueryExecMode
	read func(ctx context.Context, conn *pgx.Conn, r *rand.Rand, u *unit) (string, error)
}{
	{"one statement", pgx.QueryExecModeExec, atOnce},
	{"a prepared statement", pgx.QueryExecModeCacheStatement, atOnce},
	{"repeatable read", pgx.QueryExecModeExec, inSnapshot},
	{"an old snapshot", pgx.QueryExecModeExec, inOldSnapshot},
}

// startReaders connects one reader of each kind.
func startReaders(ctx context.Context, h *history) (*readers, error) {
	kinds := readerKinds
	ctx, stop := context.WithCancel(ctx)
	rs := &readers{h: h, pause: 8 * time.Millisecond, errs: make(chan error, len(kinds)), done: make(chan struct{}), stop: stop}
	conns := make([]*pgx.Conn, len(kinds))
	for n, kind := range kinds {
		var err error
		if conns[n], err = h.pair.reader(ctx, kind.mode); err != nil {
			stop()
			return nil, err
		}
	}
	ended := make(chan struct{})
	for n, kind := range kinds {
		go func() {
			defer func() { ended <- struct{}{} }()
			defer conns[n].Close(context.WithoutCancel(ctx))
			r := rand.New(rand.NewPCG(h.seed, uint64(1000+n)))
			if err := rs.follow(ctx, conns[n], r, kind.name, kind.read); err != nil && ctx.Err() == nil {
				rs.errs <- err
			}
		}()
	}
	go func() {
		for range kinds {
			<-ended
		}
		close(rs.done)
	}()
	return rs, nil
}

func (rs *readers) follow(
	ctx context.Context, conn *pgx.Conn, r *rand.Rand, how string,
	read func(ctx context.Context, conn *pgx.Conn, r *rand.Rand, u *unit) (string, error),
) error {
	tick := time.NewTicker(rs.pause)
	defer tick.Stop()
	for ; ctx.Err() == nil; <-tick.C {
		l := look{how: how, first: rs.h.now()}
		u := one(r, rs.h.everything())
		saw, err := read(ctx, conn, r, u)
		if err != nil && u.wasMissing(l.first, rs.h.now()) {
			continue // it is not there, or another one
		}
		if err != nil {
			return fmt.Errorf("a reader (%s) of unit %d: %w", how, u.number, err)
		}
		l.last, l.vector = rs.h.now(), saw
		u.mu.Lock()
		u.looks = append(u.looks, l)
		u.mu.Unlock()
		rs.count.Add(1)
	}
	return nil
}

// atOnce reads all views with one statement.
func atOnce(ctx context.Context, conn *pgx.Conn, _ *rand.Rand, u *unit) (string, error) {
	parts := make([]string, len(u.names))
	for n, name := range u.names {
		parts[n] = "(" + fmt.Sprintf(lookSQL, name.SQL()) + ")"
	}
	var saw string
	err := conn.QueryRow(ctx, "SELECT concat_ws(' ', "+strings.Join(parts, ", ")+")").Scan(&saw)
	return saw, err
}

// inSnapshot reads the views one by one, and once more after a while.
func inSnapshot(ctx context.Context, conn *pgx.Conn, r *rand.Rand, u *unit) (saw string, err error) {
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if saw, err = oneByOne(ctx, tx, r, u); err != nil {
			return err
		}
		if err := pauseFor(ctx, time.Duration(r.IntN(60))*time.Millisecond); err != nil {
			return err
		}
		again, err := oneByOne(ctx, tx, r, u)
		if err == nil && again != saw {
			err = differs("a snapshot shows %s, and then %s", saw, again)
		}
		return err
	})
	return saw, err
}

// inOldSnapshot has a snapshot, and reads after a while.
func inOldSnapshot(ctx context.Context, conn *pgx.Conn, r *rand.Rand, u *unit) (saw string, err error) {
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM pg_catalog.pg_class WHERE false"); err != nil {
			return err
		}
		if err := pauseFor(ctx, time.Duration(r.IntN(120))*time.Millisecond); err != nil {
			return err
		}
		saw, err = oneByOne(ctx, tx, r, u)
		return err
	})
	return saw, err
}

func oneByOne(ctx context.Context, tx pgx.Tx, r *rand.Rand, u *unit) (string, error) {
	digests := make([]string, len(u.names))
	for _, n := range r.Perm(len(u.names)) {
		if err := tx.QueryRow(ctx, fmt.Sprintf(lookSQL, u.names[n].SQL())).Scan(&digests[n]); err != nil {
			return "", err
		}
	}
	return vector(digests), nil
}

func pauseFor(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// holdLooks holds what was seen of a unit against what may have been.
func (u *unit) holdLooks() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	known := len(u.steps)
	var young []look
	for _, l := range u.looks {
		if l.last >= known { // of a step that has not come to rest
			young = append(young, l)
			continue
		}
		allowed, lenient := map[string]bool{}, false
		for _, s := range u.steps[l.first : l.last+1] {
			for v := range s.vectors {
				allowed[v] = true
			}
			lenient = lenient || s.anything
		}
		if !allowed[l.vector] && !lenient {
			return differs("unit %d: a reader (%s) in steps %d to %d saw %s, which was at no time; it may have been %v",
				u.number, l.how, l.first, l.last, l.vector, keys(allowed))
		}
	}
	u.looks = young
	return nil
}

func keys(m map[string]bool) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}
