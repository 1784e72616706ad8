package read

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

func (s stream) Transport() catalog.Transport { return catalog.StreamTransport }

func (s stream) AsOf(clock time.Time) time.Time { return clock }

func (s stream) Begin(ctx context.Context) error { return s.Exec(ctx, redshift.BeginSnapshot) }

func (s stream) Commit(ctx context.Context) error { return s.Exec(ctx, redshift.EndSnapshot) }

// Watch has little to do: whoever reads does it on ctx, whose end the session passes on to Redshift, and its error says
// what came of that.
func (s stream) Watch(context.Context) func(error) error {
	return func(err error) error {
		if running, ok := errors.AsType[*infra.StillRunning](err); ok {
			return running
		}
		return nil
	}
}

// Close tells nobody of a failure: all has been read, and the session ends with this process at the latest.
func (s stream) Close(ctx context.Context) error {
	_ = s.Session.Close(ctx)
	return nil
}

func (s stream) Selects() bool { return false }

func (s stream) Select(Query) (string, error) {
	return "", errors.New("PostgreSQL cannot select what this process reads")
}

func (s stream) Splits(q Query) bool { return asksForSplit(q) && moves(q) == "" }

func (s stream) Load(ctx context.Context, tx pgx.Tx, q Query, table string) (Loaded, error) {
	if !asksForSplit(q) {
		return s.loadWhole(ctx, tx, q, table)
	}
	got, err := s.tryLoadSplit(ctx, tx, q, table)
	if refused := (*notSplitError)(nil); !errors.As(err, &refused) {
		return got, err
	}
	whole, wholeErr := s.loadWhole(ctx, tx, q, table)
	whole.Remarks = append(whole.Remarks, err)
	return whole, wholeErr
}

// loadWhole reads everything through one session.
func (s stream) loadWhole(ctx context.Context, tx pgx.Tx, q Query, table string) (Loaded, error) {
	text, err := streamSelect(q)
	if err != nil {
		return Loaded{}, err
	}
	rows, err := s.Read(ctx, text, q.Columns, nulPolicy(q))
	if err != nil {
		return Loaded{}, wrap(err, "read rows")
	}
	return copyRows(ctx, tx, q, rows, table)
}

// Plan shows what this process would send to Redshift itself as a comment: it is not for the cache database. Nothing in it
// may end the comment, as a carriage return would.
func (s stream) Plan(q Query, table string) (string, error) {
	remote, err := streamSelect(q)
	return copied("Redshift", remote, q, table), err
}

// Asker closes the session, which has been broken off in the midst of its rows, first: somebody who waits for its locks
// may be before the next session.
func (s stream) Asker(ctx context.Context, tx pgx.Tx) (*dblink.Session, func()) {
	_ = s.Close(ctx) // closed again, it says what was wrong
	asker, err := dblink.Open(ctx, tx, s.link.Server().Name, s.settings)
	if err != nil {
		return nil, nil
	}
	return asker, func() { _ = asker.Close(ctx) } // what is left of it goes with the next session of that name
}
