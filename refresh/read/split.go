package read

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// splitPatience is how long a session after the first waits for the locks that reading needs. Who keeps them from it may
// be waiting for the first session itself, a TRUNCATE for one, and no server sees that the two are one party.
const splitPatience = 5 * time.Second

// asksForSplit says whether the read is one that is to be shared by several sessions.
func asksForSplit(q Query) bool { return q.Split.Column != "" && q.Split.Sessions > 1 && q.Where == "" }

// moves says why two sessions that see the same tables may see different rows of the query; nothing when that is not
// known of it.
func moves(q Query) string {
	if word, limits := redshift.Limits(q.Text); limits {
		return word + " takes some of many rows, and each session may take others"
	}
	if word, volatile := redshift.Volatile(q.Text); volatile {
		return word + " may differ between sessions, as if the source changed while the others were opened"
	}
	if word, untied := redshift.Unordered(q.Text); untied {
		return word + " counts rows in no order, and each session may have another"
	}
	return ""
}

// notSplitError is a reason to read everything through one session after all, and no failure.
type notSplitError struct{ err error }

func (e *notSplitError) Error() string { return "read through one session: " + e.err.Error() }

func (e *notSplitError) Unwrap() error { return e.err }

// part is one range of a split read.
type part struct {
	session *session.Session
	where   string
}

// tryLoadSplit reads everything through several sessions, or returns a *notSplitError that says why not.
func (s stream) tryLoadSplit(ctx context.Context, tx pgx.Tx, q Query, table string) (Loaded, error) {
	if why := moves(q); why != "" {
		return Loaded{}, &notSplitError{errors.New(why)}
	}
	return s.loadSplit(ctx, tx, q, table)
}

// loadSplit reads everything through several sessions, each a range of the column. Redshift lets no session take over
// another one's snapshot, so the sessions are asked what they see: only when all see the same content are their rows put
// together, and only when what arrives is that content do the rows stay. Whatever stands against that is a
// *notSplitError, after which the job's own session is good for reading everything.
func (s stream) loadSplit(ctx context.Context, tx pgx.Tx, q Query, table string) (Loaded, error) {
	// The job's session comes first to every lock. What the others wait for then, they do not wait for long.
	if _, err := s.Rows(ctx, redshift.LockSQL(q.Text), 1); err != nil {
		return Loaded{}, wrap(err, "read rows")
	}
	others, err := s.openOthers(ctx, tx, q)
	defer closeSessions(ctx, others)
	if err != nil {
		return Loaded{}, &notSplitError{err}
	}
	// What may be refused is asked of another session: a refusal ends the snapshot.
	ranges, err := ranges(ctx, tx, q, others[0], len(others)+1)
	if err != nil {
		return Loaded{}, &notSplitError{err}
	}
	content, err := contentOf(ctx, q, others[0])
	if err != nil {
		return Loaded{}, &notSplitError{err}
	}
	parts := []part{{s.Session, ranges[0]}}
	for i, other := range others {
		parts = append(parts, part{other, ranges[i+1]})
	}
	for i, p := range parts {
		if i == 1 {
			continue // has been asked
		}
		seen, err := contentOf(ctx, q, p.session)
		if i == 0 && err != nil {
			return Loaded{}, err
		}
		if err == nil && seen != content {
			err = errors.New("the source changed while the others were opened")
		}
		if err != nil {
			return Loaded{}, &notSplitError{err}
		}
	}
	return s.loadParts(ctx, tx, q, parts, content, table)
}

// openOthers opens as many more sessions as the link has slots for, at most those that the view asks for, and has each
// begin a snapshot of its own. With an error, those that it returns are to be closed as well.
func (s stream) openOthers(ctx context.Context, tx pgx.Tx, q Query) (others []*session.Session, err error) {
	extra, err := lock.MoreSlots(ctx, tx, s.link.ID, s.link.MaxConcurrency, s.slot, q.Split.Sessions-1)
	if err != nil {
		return nil, err
	}
	if extra == 0 {
		return nil, fmt.Errorf("all slots of link %s are taken", s.link.Name)
	}
	for range extra {
		other, err := s.another(ctx)
		if err != nil {
			return others, err
		}
		others = append(others, other)
		if err := beginOther(ctx, q, other); err != nil {
			return others, err
		}
	}
	return others, nil
}

// errLocked is why a session after the first does not get its locks.
var errLocked = fmt.Errorf("another session does not get the locks for reading within %s: somebody who waits for ours, perhaps, "+
	"is before it", splitPatience)

func beginOther(ctx context.Context, q Query, other *session.Session) error {
	if err := other.Exec(ctx, redshift.BeginSnapshot); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, splitPatience, errLocked)
	defer cancel()
	_, err := other.Rows(ctx, redshift.LockSQL(q.Text), 1)
	return err
}

func contentOf(ctx context.Context, q Query, s *session.Session) (redshift.Summary, error) {
	return redshift.Summarize(ctx, s, q.Columns, q.Text)
}

// loadParts reads all parts at once into one table.
func (s stream) loadParts(ctx context.Context, tx pgx.Tx, q Query, parts []part, want redshift.Summary, table string) (Loaded, error) {
	var starts []session.Start
	for _, p := range parts {
		text, err := redshift.HashedSelect(q.Columns, q.Text, p.where, redshift.TrustText)
		if err != nil {
			return Loaded{}, &notSplitError{err}
		}
		starts = append(starts, func(ctx context.Context) (*session.Reader, error) {
			return p.session.ReadHashed(ctx, text, q.Columns, nulPolicy(q))
		})
	}
	rows := session.JoinStarting(ctx, starts)
	got, err := copyRows(ctx, tx, q, rows, table)
	if err != nil {
		return Loaded{}, err
	}
	if arrived := (redshift.Summary{Rows: rows.Rows(), Sum: rows.Hash()}); arrived != want {
		// Emptied in the savepoint that made it, the table can be filled again as frozen.
		if _, err := tx.Exec(ctx, "TRUNCATE "+table); err != nil {
			return Loaded{}, wrap(err, "empty table")
		}
		return Loaded{}, &notSplitError{fmt.Errorf("%d rows arrived that are not the %d that the sessions agreed on", arrived.Rows, want.Rows)}
	}
	got.Remarks = append(got.Remarks, fmt.Errorf("read through %d sessions", len(parts)))
	return got, nil
}

// closeLimit bounds the closing of sessions when nobody waits for them any more.
const closeLimit = 10 * time.Second

// closeSessions closes the sessions that were opened beside the job's.
func closeSessions(ctx context.Context, sessions []*session.Session) {
	ctx, done := infra.Ending(ctx, closeLimit)
	defer done()
	var all sync.WaitGroup
	for _, s := range sessions {
		all.Go(func() { _ = s.Close(ctx) }) // it ends with this process at the latest
	}
	all.Wait()
}
