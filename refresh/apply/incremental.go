package apply

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// incremental reads what lies past the watermark and writes what differs.
func incremental(ctx context.Context, tx pgx.Tx, t Target) (Filled, error) {
	s, err := t.stretch(ctx, tx)
	if err != nil {
		return Filled{}, err
	}
	if err := relation.MoreMemory(ctx, tx, "work_mem"); err != nil {
		return Filled{}, err
	}
	f := Filled{Outcome: catalog.Outcome{AsOf: t.readUpTo(), Whole: s.low == nil, RowCount: t.rows()}}
	if len(t.View.Key) == 0 || s.low == nil || t.Snapshot { // one look will do, or both see one moment anyway
		err = s.fillLooks(ctx, tx, &f.Outcome)
		return f, err
	}
	once := f
	err = s.fillOnce(ctx, tx, &once.Outcome)
	if !errors.Is(err, errLookAgain) {
		return once, err
	}
	err = s.fillInSnapshot(ctx, tx, &f.Outcome)
	return f, err
}

func (t Target) stretch(ctx context.Context, tx pgx.Tx) (stretch, error) {
	b, err := t.bounds(ctx, tx)
	if err != nil {
		return stretch{}, err
	}
	condition, err := b.remote(t.View)
	return stretch{t, b, condition}, err
}

// errLookAgain takes back a look at the source of which another one would have to see the moment.
var errLookAgain = errors.New("rows have lost their watermark")

// fillOnce reads and writes where a second look is not called for, as it mostly is not, and else leaves no trace: what the
// first saw may have passed when the second begins.
func (s stretch) fillOnce(ctx context.Context, tx pgx.Tx, o *catalog.Outcome) error {
	return infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error {
		undated, err := s.fillRange(ctx, nested, o)
		if err == nil && undated > 0 {
			err = errLookAgain
		}
		return err
	})
}

// fillInSnapshot has all looks see one moment.
func (s stretch) fillInSnapshot(ctx context.Context, tx pgx.Tx, o *catalog.Outcome) error {
	if err := s.Session.Begin(ctx); err != nil {
		return err
	}
	if err := s.fillLooks(ctx, tx, o); err != nil {
		return err
	}
	return s.Session.Commit(ctx)
}

// fillLooks takes the second look as well, where one is called for.
func (s stretch) fillLooks(ctx context.Context, tx pgx.Tx, o *catalog.Outcome) error {
	undated, err := s.fillRange(ctx, tx, o)
	if err == nil && undated > 0 {
		err = s.fillUndated(ctx, tx, o)
	}
	return err
}

// fillRange reads what lies within the bounds, writes what differs, and adds to what the refresh has come to. It returns how
// many rows have lost their watermark, and are left to fillUndated.
func (s stretch) fillRange(ctx context.Context, tx pgx.Tx, o *catalog.Outcome) (undated int64, err error) {
	again := catalog.Outcome{}
	fetch, err := s.fetchSQL(ctx, tx, s.condition, &again)
	if err != nil {
		return 0, err
	}
	s.Doing(Writing)
	if s.Session.Selects() { // in the statement that writes
		s.Doing(Applying)
	}
	var settled int64
	err = oneRow(ctx, tx, s.writeStep(fetch),
		&again.RowsRead, &settled, &again.RowsInserted, &again.RowsUpdated, &again.RowsDeleted, &o.Watermark, &undated)
	if err != nil {
		return 0, err
	}
	sum(o, again)
	if o.Whole && s.high == nil {
		o.RowCount = settled
	}
	return undated, nil
}

// clockStep is how far the remote clock can be behind itself: GETDATE() has whole seconds.
const clockStep = time.Second

// readUpTo is the moment before which every remote commit is read. With a safety lag, rows are read up to the remote clock
// minus the lag. That clock was asked after this database's own had been, and what it says is up to a second old.
func (t Target) readUpTo() time.Time {
	if t.View.SafetyLag == 0 {
		return t.AsOf
	}
	return t.Opened.Add(-t.View.SafetyLag - clockStep)
}

// fillUndated writes rows that were read without a watermark where the copy has one. Their watermark has become NULL, or
// they are duplicates of a row that is older than what was read, and counts for more. Which of the two is known once all
// rows of their keys are read, in the snapshot of what was read.
func (s stretch) fillUndated(ctx context.Context, tx pgx.Tx, o *catalog.Outcome) error {
	where, err := redshift.SameKeyWithout(s.View.Query, s.View.Key, s.View.Watermark)
	if err != nil {
		return err
	}
	again := catalog.Outcome{}
	fetch, err := s.fetchSQL(ctx, tx, where, &again)
	if err != nil {
		return err
	}
	if err := oneRow(ctx, tx, s.undatedStep(fetch), &again.RowsRead, &again.RowsUpdated); err != nil {
		return err
	}
	sum(o, again)
	return nil
}

// sum adds what a read has brought to what others have.
func sum(o *catalog.Outcome, more catalog.Outcome) {
	o.RowsRead += more.RowsRead
	o.RowsInserted += more.RowsInserted
	o.RowsUpdated += more.RowsUpdated
	o.RowsDeleted += more.RowsDeleted
	o.RowCount += more.RowsInserted - more.RowsDeleted
	if more.BytesRead != nil {
		bytes := *more.BytesRead
		if o.BytesRead != nil {
			bytes += *o.BytesRead
		}
		o.BytesRead = &bytes
	}
}

// fetchSQL is the statement that brings the rows for which the condition holds. Through dblink it is a part of the one
// that reads, settles duplicates, writes and counts: that needs no temporary table, whose making and dropping would bloat
// the system catalogs run by run. What this process reads itself has to be put somewhere first.
func (t Target) fetchSQL(ctx context.Context, tx pgx.Tx, where string, o *catalog.Outcome) (string, error) {
	if t.Session.Selects() {
		return t.Session.Select(t.where(where))
	}
	got, err := t.stage(ctx, tx, where)
	o.BytesRead = got.Bytes
	return t.stagedSQL(), err
}

func (t Target) stagedSQL() string {
	return fmt.Sprintf("SELECT %s FROM %s", relation.IdentList("", t.names()), staging)
}
