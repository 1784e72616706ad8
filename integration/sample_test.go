package integration_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// samples is what was seen from outside while refreshes went on.
type samples struct {
	cancel     context.CancelFunc
	done       chan struct{}
	statements map[statementKey]redshiftsim.Statement // as last seen
	looks      int
	busy       int // looks that saw somebody write
	errs       []error
}

// statementKey tells statements apart: a session sends one after the other.
type statementKey struct {
	session int
	start   time.Time
	sql     string
}

// writers lists the views whose generation is being written, and by which transactions. The last column says whether
// that must not be: there are several, or one has not got the view's lock.
const writers = `
	WITH writing AS (
		SELECT l.relation, l.virtualtransaction AS tx, substring(c.relname from '^v([0-9]+)_')::integer AS view_id
		FROM pg_locks l
		JOIN pg_class c ON c.oid = l.relation
		WHERE l.locktype = 'relation' AND l.granted AND c.relkind IN ('r', 'm')
		  AND c.relnamespace = 'redcache_data'::regnamespace
		  AND l.mode IN ('RowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
	), held AS (
		SELECT objid::integer AS view_id, virtualtransaction AS tx
		FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND classid = 'redcache.view'::regclass AND objsubid = 2
	)
	SELECT w.view_id, string_agg(DISTINCT w.tx, ' '),
	       count(DISTINCT w.tx) > 1 OR bool_or(NOT EXISTS (SELECT FROM held h WHERE h.view_id = w.view_id AND h.tx = w.tx))
	FROM writing w
	GROUP BY w.view_id`

// powerful lists sessions of the programs whose role is a superuser.
const powerful = `
	SELECT a.pid, a.usename, a.application_name
	FROM pg_stat_activity a
	JOIN pg_roles r ON r.oid = a.usesysid
	WHERE r.rolsuper AND a.application_name ~ 'cachectl|redcache'`

// sample begins to look, many times a second, at who writes what, and keeps what the stand-in was asked: its own log
// forgets. The samples must be stopped.
func (w *world) sample(t *testing.T) *samples {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	s := &samples{cancel: cancel, done: make(chan struct{}), statements: map[statementKey]redshiftsim.Statement{}}
	go func() {
		defer close(s.done)
		look, keep := time.NewTicker(20*time.Millisecond), time.NewTicker(2*time.Second)
		defer look.Stop()
		defer keep.Stop()
		var suspects []string
		for {
			select {
			case <-ctx.Done():
				s.keep(w)
				return
			case <-keep.C:
				s.keep(w)
			case <-look.C:
				suspects = s.look(ctx, w, suspects)
			}
		}
	}()
	return s
}

func (s *samples) keep(w *world) {
	for _, st := range w.source.Statements() {
		s.statements[statementKey{st.Session, st.Start, st.SQL}] = st
	}
}

// look returns the transactions that seem to be in each other's way. pg_locks is not read in one instant, so a writer
// that ends while it is read may seem to have lost its lock: only who is seen twice is guilty.
func (s *samples) look(ctx context.Context, w *world, before []string) (suspects []string) {
	all, err := lines(ctx, w.admin, writers)
	if err == nil {
		var supers []string
		if supers, err = lines(ctx, w.admin, powerful); len(supers) > 0 {
			err = fmt.Errorf("the product works as a superuser: %v", supers)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		s.errs = append(s.errs, err)
		return nil
	}
	s.looks++
	if len(all) > 0 {
		s.busy++
	}
	for _, line := range all {
		if !strings.HasSuffix(line, `"t"|`) {
			continue
		}
		suspects = append(suspects, line)
		if slices.Contains(before, line) {
			s.errs = append(s.errs, fmt.Errorf("view and transactions that write it: %s", line))
		}
	}
	return suspects
}

// stop ends the looking and fails the test if anything was seen that must not be.
func (s *samples) stop(t *testing.T) {
	t.Helper()
	s.cancel()
	<-s.done
	for _, err := range s.errs {
		t.Error(err)
	}
	if s.busy < s.looks/10 || s.looks == 0 {
		t.Errorf("of %d looks only %d saw anybody write, which proves little", s.looks, s.busy)
	}
}
