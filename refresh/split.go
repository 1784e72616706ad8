package refresh

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// splitPatience is how long a session after the first waits for the locks that reading needs. Who keeps them from it may
// be waiting for the first session itself, a TRUNCATE for one, and no server sees that the two are one party.
const splitPatience = 5 * time.Second

// asksForSplit says whether the read is one that the definition wants to be shared by several sessions.
func (w *work) asksForSplit() bool {
	return w.view.Split != "" && w.view.Sessions > 1 && w.whole &&
		w.source.transport() == catalog.StreamTransport && w.strategy != catalog.Incremental
}

// wantsSplit says whether several sessions may share the read.
func (w *work) wantsSplit() bool { return w.asksForSplit() && w.moves() == "" }

// moves says why two sessions that see the same tables may see different rows of the query; nothing when that is not
// known of it.
func (w *work) moves() string {
	if word, limits := redshift.Limits(w.view.Query); limits {
		return word + " takes some of many rows, and each session may take others"
	}
	if word, volatile := redshift.Volatile(w.view.Query); volatile {
		return word + " may differ between sessions, as if the source changed while the others were opened"
	}
	if word, untied := redshift.Unordered(w.view.Query); untied {
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
func (s streamSource) tryLoadSplit(ctx context.Context, w *work, table string) (loaded, error) {
	if why := w.moves(); why != "" {
		return loaded{}, &notSplitError{errors.New(why)}
	}
	return s.loadSplit(ctx, w, table)
}

// loadSplit reads everything through several sessions, each a range of the column. Redshift lets no session take over
// another one's snapshot, so the sessions are asked what they see: only when all see the same content are their rows put
// together, and only when what arrives is that content do the rows stay. Whatever stands against that is a
// *notSplitError, after which the job's own session is good for reading everything.
func (s streamSource) loadSplit(ctx context.Context, w *work, table string) (loaded, error) {
	// The job's session comes first to every lock. What the others wait for then, they do not wait for long.
	if _, err := s.Rows(ctx, redshift.LockSQL(w.view.Query), 1); err != nil {
		return loaded{}, wrap(err, "read rows")
	}
	others, err := s.openOthers(ctx, w)
	defer closeSessions(ctx, others)
	if err != nil {
		return loaded{}, &notSplitError{err}
	}
	// What may be refused is asked of another session: a refusal ends the snapshot.
	ranges, err := w.ranges(ctx, others[0], len(others)+1)
	if err != nil {
		return loaded{}, &notSplitError{err}
	}
	content, err := w.contentOf(ctx, others[0])
	if err != nil {
		return loaded{}, &notSplitError{err}
	}
	parts := []part{{s.Session, ranges[0]}}
	for i, other := range others {
		parts = append(parts, part{other, ranges[i+1]})
	}
	for i, p := range parts {
		if i == 1 {
			continue // has been asked
		}
		seen, err := w.contentOf(ctx, p.session)
		if i == 0 && err != nil {
			return loaded{}, err
		}
		if err == nil && seen != content {
			err = errors.New("the source changed while the others were opened")
		}
		if err != nil {
			return loaded{}, &notSplitError{err}
		}
	}
	return s.loadParts(ctx, w, parts, content, table)
}

// openOthers opens as many more sessions as the link has slots for, at most those that the view asks for, and has each
// begin a snapshot of its own. With an error, those that it returns are to be closed as well.
func (s streamSource) openOthers(ctx context.Context, w *work) (others []*session.Session, err error) {
	link := w.view.Link
	extra, err := lock.MoreSlots(ctx, w.tx, link.ID, link.MaxConcurrency, w.slot, w.view.Sessions-1)
	if err != nil {
		return nil, err
	}
	if extra == 0 {
		return nil, fmt.Errorf("all slots of link %s are taken", link.Name)
	}
	for range extra {
		other, err := s.another(ctx)
		if err != nil {
			return others, err
		}
		others = append(others, other)
		if err := w.beginOther(ctx, other); err != nil {
			return others, err
		}
	}
	return others, nil
}

// errLocked is why a session after the first does not get its locks.
var errLocked = fmt.Errorf("another session does not get the locks for reading within %s: somebody who waits for ours, perhaps, "+
	"is before it", splitPatience)

func (w *work) beginOther(ctx context.Context, other *session.Session) error {
	if err := other.Exec(ctx, redshift.BeginSnapshot); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, splitPatience, errLocked)
	defer cancel()
	_, err := other.Rows(ctx, redshift.LockSQL(w.view.Query), 1)
	return err
}

func (w *work) contentOf(ctx context.Context, s *session.Session) (redshift.Summary, error) {
	return redshift.Summarize(ctx, s, w.columns, w.view.Query)
}

// loadParts reads all parts at once into one table.
func (s streamSource) loadParts(ctx context.Context, w *work, parts []part, want redshift.Summary, table string) (loaded, error) {
	var starts []session.Start
	for _, p := range parts {
		text, err := redshift.HashedSelect(w.columns, w.view.Query, p.where, redshift.TrustText)
		if err != nil {
			return loaded{}, &notSplitError{err}
		}
		starts = append(starts, func(ctx context.Context) (*session.Reader, error) {
			return p.session.ReadHashed(ctx, text, w.streamColumns(), w.nulPolicy(), redshift.HashColumn)
		})
	}
	rows := session.JoinStarting(ctx, starts)
	got, err := copyRows(ctx, w, rows, table)
	if err != nil {
		return loaded{}, err
	}
	if arrived := (redshift.Summary{Rows: rows.Rows(), Sum: rows.Hash()}); arrived != want {
		// Emptied in the savepoint that made it, the table can be filled again as frozen.
		if err := runSteps(ctx, w.tx, []Step{{"empty table", "TRUNCATE " + table}}); err != nil {
			return loaded{}, err
		}
		return loaded{}, &notSplitError{fmt.Errorf("%d rows arrived that are not the %d that the sessions agreed on", arrived.Rows, want.Rows)}
	}
	w.remark(fmt.Sprintf("read through %d sessions", len(parts)))
	return got, nil
}

// closeSessions closes the sessions that were opened beside the job's.
func closeSessions(ctx context.Context, sessions []*session.Session) {
	ctx, cancel := recording(ctx)
	defer cancel()
	var all sync.WaitGroup
	for _, s := range sessions {
		all.Go(func() { _ = s.Close(ctx) }) // it ends with this process at the latest
	}
	all.Wait()
}
