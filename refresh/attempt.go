package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
)

// attempt is one transaction of a job, from the locks to the commit: what is done on a view, or on all views of a group,
// through one session on Redshift.
type attempt struct {
	tx      pgx.Tx
	source  read.Session
	works   []*viewWork   // by view id, the order in which they are locked
	opened  time.Time     // before the remote clock was asked; only where a view has a safety lag
	asOf    time.Time     // every remote commit before this moment is read
	tried   int           // transactions so far, this one included
	set     int32         // what it builds for; zero: it refreshes the views as they are
	slot    int           // of the link that the session has
	patient time.Duration // how long what has no other way than a strong lock waits for readers

	snapshot bool // all members are read in one

	remarks []error // for the reason of each run
}

func (a *attempt) remark(why error) { a.remarks = append(a.remarks, why) }

// silence is how long after the timeout a statement that should have ended is given up.
const silence = 5 * time.Second

// ending is how long all may take that is left to be done when a statement has been given up.
const ending = 5 * time.Second

// errSilent is why the context of a read ends when no server has ended the statement at the timeout.
var errSilent = errors.New("the remote side does not answer")

// read reads what the members need and writes it into their generations. It does so inside a savepoint, so that the
// session can be asked, and closed, after a failure.
func (a *attempt) read(ctx context.Context, r *Runner) error {
	// Both servers end a statement at the timeout. This is for a Redshift that has fallen silent: a backend that waits
	// for it inside dblink does not get as far as ending its statement.
	ctx, cancel := context.WithTimeoutCause(ctx, a.timeout()+silence, errSilent)
	defer cancel()
	stop := a.source.Watch(ctx)
	at := a.works[0]
	outer := a.tx
	err := infra.InSavepoint(ctx, outer, func(nested pgx.Tx) (err error) {
		a.tx = nested
		at, err = a.readAll(ctx, r)
		return err
	})
	a.tx = outer
	stopErr := stop(err)
	if stopErr != nil {
		r.cfg.Log.WarnContext(ctx, "statement may still run on the remote side",
			infra.KeyView, at.view.Name.String(), infra.KeyError, redshift.Public(stopErr))
	}
	if err != nil {
		err = a.name(at, at.diagnose(ctx, err))
		if stopErr != nil && !errors.Is(err, stopErr) {
			err = infra.Hinted(fmt.Errorf("%w; %w", err, stopErr), infra.Hint(err))
		}
	}
	return err
}

// name says which member of a group failed; the group's refresh is under another's name, perhaps.
func (a *attempt) name(w *viewWork, err error) error {
	if len(a.works) == 1 {
		return err
	}
	return fmt.Errorf("view %s of group %s: %w", w.view.Name, w.view.Group, err)
}

// readAll returns the member at which it failed.
func (a *attempt) readAll(ctx context.Context, r *Runner) (at *viewWork, err error) {
	at = a.works[0]
	if a.asOf, err = a.clock(ctx); err != nil {
		return at, err
	}
	for _, w := range a.works {
		if r.rehearses {
			break // nobody asks whether the source has changed
		}
		if err := w.probeModified(ctx, r.cfg.ModifiedLag); err != nil {
			return w, err
		}
	}
	if a.unchanged() {
		return at, nil
	}
	if a.snapshot = a.needsSnapshot(); a.snapshot {
		if err := a.source.Begin(ctx); err != nil {
			return at, err
		}
	}
	for _, w := range a.works {
		if err := w.probeContent(ctx); err != nil {
			return w, err
		}
	}
	if !a.unchanged() {
		for _, w := range a.works {
			if err := w.load(ctx); err != nil {
				return w, err
			}
		}
	}
	if a.snapshot {
		return at, a.source.Commit(ctx)
	}
	return at, nil
}

// unchanged says whether every member is proven to be what its source is.
func (a *attempt) unchanged() bool {
	return !slices.ContainsFunc(a.works, func(w *viewWork) bool { return w.proof.unchanged == nil })
}

// needsSnapshot says whether several reads have to see the same moment.
func (a *attempt) needsSnapshot() bool {
	return len(a.works) > 1 ||
		slices.ContainsFunc(a.works, func(w *viewWork) bool { return w.proof.wantsContent || a.source.Splits(w.query("")) })
}

// finish publishes and records what was read, or proven.
func (a *attempt) finish(ctx context.Context, j *job) error {
	switch {
	case a.unchanged():
		return a.recordUnchanged(ctx, j)
	case j.set != 0: // whose views are published together
		if err := a.record(ctx, a.tx, j); err != nil {
			return err
		}
		return catalog.In(a.tx).TouchSet(ctx, j.set)
	}
	return a.publish(ctx, j)
}

func (a *attempt) recordUnchanged(ctx context.Context, j *job) error {
	for _, w := range a.works {
		m := j.member(w.view.ID)
		w.keepGeneration()
		run, err := catalog.In(a.tx).FinishUnchanged(ctx, m.run, *w.proof.unchanged, a.tried, w.proof.how)
		if err != nil {
			return err
		}
		run.PublicReason = w.proof.how
		m.settle(w, run)
		if err := w.remember(ctx, a.tx); err != nil {
			return err
		}
	}
	return nil
}

// record writes the results of the runs.
func (a *attempt) record(ctx context.Context, tx pgx.Tx, j *job) error {
	for _, w := range a.works {
		m := j.member(w.view.ID)
		o := w.outcome
		o.Generation, o.Set, o.Published, o.Attempts = w.view.Generation, j.set, w.published, a.tried
		o.Strategy, o.Transport, o.Reason = w.strategy, a.source.Transport(), a.reason(w)
		o.Modified, o.Content = w.proof.modified, w.proof.content
		if w.waited > 0 {
			o.Waited = &w.waited
		}
		run, err := catalog.In(tx).FinishRun(ctx, m.run, o)
		if err != nil {
			return err
		}
		run.PublicReason = a.publicReason(w)
		m.settle(w, run)
		if err := w.remember(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// remember keeps what people have put on the view since it was last looked at. Where readers wait for the commit, that
// is left for after it. A query that is not ours is not remembered as if it were.
func (w *viewWork) remember(ctx context.Context, tx pgx.Tx) error {
	if !w.seen() {
		return nil
	}
	return remember(ctx, tx, w.view, w.condition.Published)
}

func remember(ctx context.Context, tx pgx.Tx, v catalog.View, p catalog.Published) error {
	switch {
	case !p.AtHome || !p.Changed:
		return nil
	case p.Altered:
		return catalog.In(tx).RememberAround(ctx, v.ID)
	}
	return catalog.In(tx).Remember(ctx, v.ID)
}

func (a *attempt) reason(w *viewWork) string {
	return remarked(slices.Concat(w.remarks, a.remarks), infra.Message)
}

// publicReason is the same for logs.
func (a *attempt) publicReason(w *viewWork) string {
	return remarked(slices.Concat(w.remarks, a.remarks), redshift.Public)
}

func remarked(remarks []error, told func(error) string) string {
	texts := make([]string, len(remarks))
	for i, remark := range remarks {
		texts[i] = told(remark)
	}
	return infra.BoundedMessage(strings.Join(texts, "; "))
}

// closeSource closes the session, and returns the failure that came before, if any. It does so before the transaction
// ends, also after a failure.
func (a *attempt) closeSource(ctx context.Context, failure error) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	err := a.source.Close(ctx)
	if failure != nil {
		return failure
	}
	return err
}
