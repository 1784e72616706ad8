package refresh

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

// attempt is one refresh over the transactions that it takes.
type attempt struct {
	runner  *Runner
	req     Request
	view    catalog.View // as read last
	number  int
	runID   int64 // zero until the run is in the history
	lastErr error
	result  catalog.Run // of the attempt that committed

	switches    bool // readers saw another generation before
	unpublished bool // and go on to, until old transactions have ended
}

func (a *attempt) strategy() catalog.Strategy {
	if a.req.Strategy != "" {
		return a.req.Strategy
	}
	return a.view.Strategy
}

func (a *attempt) tell(phase Phase) {
	if a.req.Progress != nil {
		a.req.Progress(phase)
	}
}

// run is one attempt: one transaction from the lock to the commit.
func (a *attempt) run(ctx context.Context) error {
	// The statement that reads is bounded by the view's timeout on both servers; pauses between statements are ours.
	limits := infra.Limits{Statement: a.view.Timeout}
	return infra.InTx(ctx, a.runner.pool, limits, func(tx pgx.Tx) error {
		w, err := a.prepare(ctx, tx)
		if err != nil {
			return err
		}
		a.tell(Queueing)
		link := w.view.Link
		if _, err := lock.Slot(ctx, tx, link.ID, link.MaxConcurrency, w.view.Timeout); err != nil {
			return err
		}
		a.tell(Connecting)
		if w.session, err = a.runner.open(ctx, w); err != nil {
			return explainRemote(w.view, err)
		}
		return w.closeSession(ctx, a.finish(ctx, w))
	})
}

// finish lets the strategy work, and writes down what came of it.
func (a *attempt) finish(ctx context.Context, w *work) error {
	a.tell(Loading)
	outcome, err := a.readAndWrite(ctx, w)
	if err != nil {
		return err
	}
	a.tell(Committing)
	a.switches, a.unpublished = !w.seen(), !w.published
	a.result, err = catalog.In(w.tx).FinishRun(ctx, a.runID, w.view.Generation, w.published, a.number, outcome)
	return err
}

// prepare takes the lock, reads definition and state under it, and makes the run visible.
func (a *attempt) prepare(ctx context.Context, tx pgx.Tx) (*work, error) {
	a.tell(Locking)
	if err := lock.View(ctx, tx, a.view.ID, a.req.Wait); err != nil {
		return nil, err
	}
	w, err := a.read(ctx, tx)
	if err != nil {
		return nil, err
	}
	return w, a.record(ctx, w)
}

// read reads the definition and the state of the view, and decides how much of its query has to be read.
func (a *attempt) read(ctx context.Context, tx pgx.Tx) (w *work, err error) {
	view, state, err := catalog.In(tx).ViewAndState(ctx, a.req.View)
	if err != nil {
		return nil, err
	}
	a.view = view
	w = &work{tx: tx, view: view, state: state, strategy: a.strategy()}
	if err := checkRequest(a.view, a.req); err != nil {
		return nil, err
	}
	if a.req.OnlyIfDue && (w.state.NextDue == nil || w.state.NextDue.After(w.state.Now)) {
		return nil, errNotDue
	}
	if w.columns, err = a.view.DescribedColumns(); err != nil {
		return nil, err
	}
	w.fresh = w.state.Loaded == nil || *w.state.Loaded != a.view.Generation
	w.whole = w.fresh || a.req.Whole || w.state.Watermark == nil || reconcileDue(a.view, w.state)
	return w, nil
}

// reconcileDue says whether an incremental view has to be read in full once more.
func reconcileDue(v catalog.View, s catalog.State) bool {
	return v.ReconcileEvery > 0 && (s.ReconciledAt == nil || s.Now.Sub(*s.ReconciledAt) >= v.ReconcileEvery)
}

// record makes the run visible to others, through another connection: this transaction's writes are not.
func (a *attempt) record(ctx context.Context, w *work) (err error) {
	pid := int(w.tx.Conn().PgConn().PID())
	if a.runID != 0 {
		resumed, err := a.runner.store.ResumeRun(ctx, a.runID, pid, a.number)
		if err != nil || resumed {
			return err
		}
	}
	whole := w.whole || w.view.Materialized()
	a.runID, err = a.runner.store.StartRun(ctx, w.view, w.strategy, whole, a.runner.cfg.Origin, pid)
	return err
}

// silence is how long after the timeout a statement that should have ended is given up.
const silence = 5 * time.Second

// errSilent is why the context of an attempt ends when no server has ended the statement at the timeout.
var errSilent = errors.New("the remote side does not answer")

// readAndWrite lets the strategy work inside a savepoint, so that the session can be asked, and closed, after a failure.
func (a *attempt) readAndWrite(ctx context.Context, w *work) (o catalog.Outcome, err error) {
	// Both servers end a statement at the timeout. This is for a Redshift that has fallen silent: a backend that waits
	// for it inside dblink does not get as far as ending its statement.
	ctx, cancel := context.WithTimeoutCause(ctx, w.view.Timeout+silence, errSilent)
	defer cancel()
	stop := dblink.Watch(ctx, a.runner.pool, w.session)
	outer := w.tx
	err = inSavepoint(ctx, outer, func(nested pgx.Tx) error {
		w.tx = nested
		o, err = w.load(ctx)
		return err
	})
	w.tx = outer
	if stopErr := stop(); stopErr != nil {
		a.runner.cfg.Log.WarnContext(ctx, "statement may still run on the remote side",
			infra.KeyView, w.view.Name.String(), infra.KeyError, stopErr.Error())
	}
	if err != nil {
		err = w.diagnose(ctx, err)
	}
	return o, err
}

// open opens the session. Whether this database has what links need is looked up once; an error makes it looked up
// again.
func (r *Runner) open(ctx context.Context, w *work) (*dblink.Session, error) {
	settings := dblink.Settings{QueryGroup: "redcache " + w.view.Name.String(), StatementTimeout: w.view.Timeout}
	if known := r.schema.Load(); known != nil {
		settings.Schema = *known
	}
	session, err := dblink.Open(ctx, w.tx, w.view.Link.Server().Name, settings)
	if err != nil {
		r.schema.Store(nil)
		return nil, err
	}
	schema := session.Schema()
	r.schema.Store(&schema)
	return session, nil
}

// closeSession closes the session, and returns the failure that came before, if any. It does so before the transaction
// ends, also after a failure, as a pooler may hand the backend to somebody else. When the session cannot be closed, the
// connection to the backend that holds it is.
func (w *work) closeSession(ctx context.Context, failure error) error {
	ctx, cancel := recording(ctx)
	defer cancel()
	err := w.session.Close(ctx)
	if err != nil {
		_ = w.tx.Conn().Close(ctx)
	}
	if failure != nil {
		return failure
	}
	return err
}
