package refresh

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
)

// attempt is one refresh, of a view or of a group, over the transactions that it takes.
type attempt struct {
	runner  *Runner
	req     Request
	stub    catalog.Stub
	number  int
	lastErr error
	members []*member // by view id; none until the runs are in the history
	set     int32     // what it builds for, beside what readers see; zero: it refreshes the views as they are

	link     *catalog.Link           // once the transaction has a slot of it
	since    time.Time               // by the database's clock, before its login and address were read
	repaired map[redshift.Class]bool // what the link has been mended for
	mended   map[int32][]string      // what has been mended of views, by their ids
	planning bool                    // only to say what would be done
}

// member is one view of an attempt.
type member struct {
	view   catalog.View // as read last
	run    catalog.RunKey
	result catalog.Run // of the transaction that committed

	canMerge    bool // with what readers saw before
	first       bool // readers saw none before
	switches    bool // readers saw another generation before, or none
	unpublished bool // and go on to, until old transactions have ended
	frozen      bool // no transaction, however old, sees what was loaded empty
	leftovers   bool // there were generations that nobody needs: a process ended before it could drop them, say
}

// settle keeps what became of the view, for after the commit.
func (m *member) settle(w *work, run catalog.Run) {
	m.view, m.result, m.canMerge = w.view, run, canMerge([]*work{w})
	m.first, m.switches = w.state.Generation == nil, !w.seen()
	m.unpublished, m.frozen = m.switches && !w.published, w.frozen
	m.leftovers = w.condition.Leftovers(w.state)
}

func (a *attempt) member(viewID int32) *member {
	i := slices.IndexFunc(a.members, func(m *member) bool { return m.view.ID == viewID })
	if i < 0 {
		return nil
	}
	return a.members[i]
}

// asked is the member that the caller named; nil until its run is in the history.
func (a *attempt) asked() *member { return a.member(a.stub.ID) }

// runID is that of the run that the caller asked for; zero before there is one.
func (a *attempt) runID() int64 {
	if asked := a.asked(); asked != nil {
		return asked.run.ID
	}
	return 0
}

func (a *attempt) tell(phase Phase) {
	if a.req.Progress != nil {
		a.req.Progress(phase)
	}
}

// run is one transaction from the lock to the commit.
func (a *attempt) run(ctx context.Context) error {
	// The statement that reads is bounded by the view's timeout on both servers; pauses between statements are ours.
	limits := infra.Limits{Statement: timeLeft(ctx, a.stub.Timeout)}
	a.link = nil
	return infra.InTx(ctx, a.runner.pool, limits, func(tx pgx.Tx) error {
		j, err := a.prepare(ctx, tx)
		if err != nil {
			return err
		}
		a.tell(Queueing)
		link := j.works[0].view.Link
		if j.slot, err = lock.Slot(ctx, tx, link.ID, link.MaxConcurrency, timeLeft(ctx, a.stub.Timeout)); err != nil {
			return err
		}
		a.tell(Connecting)
		if err = a.ready(ctx, j); err != nil {
			return err
		}
		if err = j.bound(ctx); err != nil {
			return err
		}
		if err = j.noteOpening(ctx); err != nil {
			return err
		}
		if err = a.runner.open(ctx, j); err != nil {
			return err
		}
		a.tell(Loading)
		reading := infra.WithEnd(ctx, time.Now().Add(timeLeft(ctx, j.timeout())+silence+ending))
		if err := j.closeSource(reading, j.read(reading, a.runner)); err != nil {
			return err
		}
		a.tell(Committing)
		return j.finish(ctx, a)
	})
}

// errGroupChanged makes another transaction find out who belongs to the group.
var errGroupChanged = errors.New("views joined or left the group meanwhile")

// prepare takes the locks, in the order of the ids, reads definitions and states under them, and makes the runs
// visible.
func (a *attempt) prepare(ctx context.Context, tx pgx.Tx) (*job, error) {
	a.tell(Locking)
	for _, id := range a.stub.Members {
		if err := lockView(ctx, tx, id, a.req.Wait, a.req.Progress); err != nil {
			return nil, err
		}
	}
	if a.set != 0 {
		if taken, err := lock.Set(ctx, tx, a.set); err != nil || !taken {
			return nil, cmp.Or(err, catalog.ErrSetGone)
		}
	}
	j, err := a.plan(ctx, tx)
	if err != nil {
		return nil, err
	}
	for i, w := range j.works {
		if len(j.works) != len(a.stub.Members) || w.view.ID != a.stub.Members[i] {
			if a.stub, err = a.runner.store.Stub(ctx, a.req.View); err != nil {
				return nil, err
			}
			return nil, errGroupChanged
		}
	}
	for _, w := range j.works {
		if err := a.start(ctx, w); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// plan reads definitions and states, and decides what has to be done.
func (a *attempt) plan(ctx context.Context, tx pgx.Tx) (*job, error) {
	members, err := a.defined(ctx, tx)
	if err != nil {
		return nil, err
	}
	j := &job{tx: tx, tried: a.number, set: a.set, patient: a.runner.cfg.Patience}
	due := false
	for _, m := range members {
		w, err := a.planView(ctx, j, m)
		if err != nil {
			return nil, err
		}
		j.works = append(j.works, w)
		due = due || m.State.NextDue != nil && !m.State.NextDue.After(m.State.Now)
	}
	if a.req.OnlyIfDue && !due {
		return nil, errNotDue
	}
	if err := j.agree(); err != nil {
		return nil, err
	}
	for _, w := range j.works {
		if err := w.blocked(); err != nil {
			return nil, j.name(w, err)
		}
	}
	return j, nil
}

// defined reads the views with their definitions: those in force, or those that the set is to put in force.
func (a *attempt) defined(ctx context.Context, tx pgx.Tx) ([]catalog.Member, error) {
	if a.set == 0 {
		return catalog.In(tx).Members(ctx, a.req.View)
	}
	members, err := catalog.In(tx).Prepared(ctx, a.set)
	members = slices.DeleteFunc(members, func(m catalog.Member) bool { return !slices.Contains(a.stub.Members, m.View.ID) })
	if err == nil && len(members) != len(a.stub.Members) {
		err = catalog.ErrSetGone
	}
	return members, err
}

func (a *attempt) planView(ctx context.Context, j *job, m catalog.Member) (w *work, err error) {
	w = &work{job: j, view: m.View, state: m.State, strategy: m.View.Strategy, allowShrink: m.View.AllowShrink}
	if err := checkRequest(w.view, a.req); err != nil {
		return nil, err
	}
	if a.req.Strategy != "" {
		w.strategy = a.req.Strategy
	}
	if a.req.AllowShrink > w.allowShrink {
		w.allowShrink = a.req.AllowShrink
	}
	if w.columns, err = w.view.DescribedColumns(); err != nil {
		return nil, err
	}
	w.redefined = w.state.Loaded == nil || *w.state.Loaded != w.view.Generation
	if err := a.examine(ctx, w); err != nil {
		return nil, err
	}
	w.proof.wanted = !a.req.Whole && !w.redefined && !w.lost && w.state.AsOf != nil && !w.state.Ahead() && w.seen() && !reconcileDue(w.view, w.state)
	if w.state.Ahead() {
		w.remark("as-of was in the future: the clock of the cache database has been set back since")
	}
	if err := w.choose(ctx); err != nil {
		return nil, err
	}
	w.fresh = w.redefined || w.lost
	w.whole = w.fresh || a.req.Whole || !w.traits().Watermark || w.state.Watermark == nil ||
		w.state.Ahead() || reconcileDue(w.view, w.state)
	if err := a.findEmptied(ctx, w); err != nil {
		return nil, err
	}
	if !w.whole && w.view.Transport == catalog.AutoTransport {
		w.tail, err = catalog.In(w.tx).TailRows(ctx, w.view)
	}
	return w, err
}

// reconcileDue says whether an incremental view has to be read in full once more.
func reconcileDue(v catalog.View, s catalog.State) bool {
	return v.ReconcileEvery > 0 &&
		(s.ReconciledAt == nil || s.Now.Sub(*s.ReconciledAt) >= v.ReconcileEvery || s.ReconciledAt.After(s.Now))
}

// start makes the run visible to others, through another connection: this transaction's writes are not.
func (a *attempt) start(ctx context.Context, w *work) error {
	pid := w.state.Backend
	m := a.member(w.view.ID)
	if m == nil {
		m = &member{view: w.view}
		a.members = append(a.members, m)
	}
	m.view = w.view
	if m.run.ID != 0 {
		resumed, err := a.runner.store.ResumeRun(ctx, m.run, pid, a.number)
		if err != nil || resumed {
			return err
		}
	}
	run, err := a.runner.store.StartRun(ctx, w.view, w.strategy, w.whole, a.runner.cfg.Origin, pid)
	if err != nil {
		return err
	}
	m.run = run
	a.runner.cfg.Log.DebugContext(ctx, "run started", infra.KeyView, w.view.Name.String(), infra.KeyRun, run.ID,
		infra.KeyStrategy, string(w.strategy), infra.KeyLink, w.view.Link.Name)
	return nil
}
