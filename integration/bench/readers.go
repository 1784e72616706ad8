package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// reading is what the readers of one operation have seen.
type reading struct {
	latencies []time.Duration // from the moment at which each look-up was due
	missing   int             // look-ups that found no row where there always is one
}

// readers look rows up by key, at a fixed rate, until they are told to stop.
type readers struct {
	sql  string
	keys int

	conns []*pgx.Conn
	every time.Duration // between two look-ups of one connection
	over  chan struct{} // closed when end is set
	end   time.Time     // look-ups due later are not made
	wait  sync.WaitGroup
	seen  []reading
	errs  []error
}

// openReaders connects, and warms the connections up: a measured look-up has nothing to prepare.
func openReaders(ctx context.Context, url, relation string, keys int, o options) (*readers, error) {
	r := &readers{
		sql: "SELECT note, quantity FROM " + relation + " WHERE id = $1", keys: keys, over: make(chan struct{}),
		every: time.Second * time.Duration(o.readers) / time.Duration(o.rate),
		seen:  make([]reading, o.readers), errs: make([]error, o.readers),
	}
	for range o.readers {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("connect a reader: %w", err), r.close(ctx))
		}
		r.conns = append(r.conns, conn)
		for range 5 {
			if _, err := r.lookUp(ctx, conn); err != nil {
				return nil, errors.Join(fmt.Errorf("read %s: %w", relation, err), r.close(ctx))
			}
		}
	}
	return r, nil
}

// start begins to read. The caller must stop the readers.
func (r *readers) start(ctx context.Context) {
	begin := time.Now()
	for i, conn := range r.conns {
		shift := r.every * time.Duration(i) / time.Duration(len(r.conns))
		r.wait.Go(func() { r.errs[i] = r.follow(ctx, conn, begin.Add(shift), &r.seen[i]) })
	}
}

// follow makes the look-ups of one connection. Those that are late are made as soon as possible, and none is left out.
func (r *readers) follow(ctx context.Context, conn *pgx.Conn, due time.Time, seen *reading) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ; ; due = due.Add(r.every) {
		timer.Reset(time.Until(due))
		select {
		case <-timer.C:
		case <-r.over:
			if due.After(r.end) {
				return nil
			}
		}
		found, err := r.lookUp(ctx, conn)
		if err != nil {
			return fmt.Errorf("reader: %w", err)
		}
		seen.latencies = append(seen.latencies, time.Since(due))
		if !found {
			seen.missing++
		}
	}
}

func (r *readers) lookUp(ctx context.Context, conn *pgx.Conn) (found bool, err error) {
	var note string
	var quantity int32
	err = conn.QueryRow(ctx, r.sql, 1+rand.IntN(r.keys)).Scan(&note, &quantity)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// stop ends the reading: look-ups that were due by now are still made, and waited for.
func (r *readers) stop(ctx context.Context) (all reading, err error) {
	r.end = time.Now()
	close(r.over)
	r.wait.Wait()
	for _, seen := range r.seen {
		all.latencies = append(all.latencies, seen.latencies...)
		all.missing += seen.missing
	}
	return all, errors.Join(errors.Join(r.errs...), r.close(ctx))
}

func (r *readers) close(ctx context.Context) error {
	var errs []error
	for _, conn := range r.conns {
		errs = append(errs, conn.Close(context.WithoutCancel(ctx)))
	}
	return errors.Join(errs...)
}
