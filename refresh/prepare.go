package refresh

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

// takeSlot waits for a slot of the link. Nothing local needs one, nor a rehearsal, which reads nothing.
func (j *job) takeSlot(ctx context.Context, a *attempt) (err error) {
	if j.runner.rehearses || a.works[0].view.Kind == catalog.LocalSource {
		return nil
	}
	j.tell(Queueing)
	link := a.works[0].view.Link
	a.slot, err = lock.Slot(ctx, a.tx, link.ID, link.MaxConcurrency, timeLeft(ctx, j.stub.Timeout))
	return err
}

// prepare takes the locks, reads definitions and states under them, and makes the runs
// visible.
func (j *job) prepare(ctx context.Context, tx pgx.Tx) (*attempt, error) {
	j.tell(Locking)
	if err := j.lock(ctx, tx); err != nil {
		return nil, err
	}
	a, err := j.plan(ctx, tx)
	if err != nil {
		return nil, err
	}
	for i, w := range a.works {
		if len(a.works) != len(j.stub.Members) || w.view.ID != j.stub.Members[i] {
			if j.stub, err = j.runner.store.Stub(ctx, j.req.View); err != nil {
				return nil, err
			}
			return nil, errGroupChanged
		}
	}
	for _, w := range a.works {
		if err := j.start(ctx, w); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// lock takes the locks of the views. What is built beside them has its set's: readers are refreshed meanwhile.
func (j *job) lock(ctx context.Context, tx pgx.Tx) error {
	if j.set != 0 {
		return lockPartOfSet(ctx, tx, j.set)
	}
	for _, id := range j.stub.Members {
		if err := lockView(ctx, tx, id, j.req.Wait, j.req.Progress); err != nil {
			return err
		}
	}
	return nil
}

// plan reads definitions and states, and decides what has to be done.
func (j *job) plan(ctx context.Context, tx pgx.Tx) (*attempt, error) {
	members, err := j.defined(ctx, tx)
	if err != nil {
		return nil, err
	}
	a := &attempt{tx: tx, tried: j.number, set: j.set, patient: j.runner.cfg.Patience}
	due := false
	for _, m := range members {
		w, err := j.planView(ctx, a, m)
		if err != nil {
			return nil, err
		}
		a.works = append(a.works, w)
		if j.req.OnlyIfDue && !due && m.State.Due() {
			awaits, err := catalog.In(tx).Awaits(ctx, m.View)
			if err != nil {
				return nil, err
			}
			due = !awaits
		}
	}
	if j.req.OnlyIfDue && !due {
		return nil, errNotDue
	}
	if err := a.choosePublishing(); err != nil {
		return nil, err
	}
	for _, w := range a.works {
		if err := w.blocked(); err != nil {
			return nil, a.name(w, err)
		}
	}
	return a, nil
}

// defined reads the views with their definitions: those in force, or those that the set is to put in force.
func (j *job) defined(ctx context.Context, tx pgx.Tx) ([]catalog.Member, error) {
	if j.set == 0 {
		return catalog.In(tx).Members(ctx, j.req.View)
	}
	members, err := catalog.In(tx).Prepared(ctx, j.set)
	members = slices.DeleteFunc(members, func(m catalog.Member) bool { return !slices.Contains(j.stub.Members, m.View.ID) })
	if err == nil && len(members) != len(j.stub.Members) {
		err = catalog.ErrSetGone
	}
	return members, err
}

func (j *job) planView(ctx context.Context, a *attempt, m catalog.Member) (w *viewWork, err error) {
	w = &viewWork{at: a, view: m.View, state: m.State, strategy: m.View.Strategy, allowShrink: m.View.AllowShrink}
	if err := checkRequest(w.view, j.req); err != nil {
		return nil, err
	}
	if j.req.Strategy != "" {
		w.strategy = j.req.Strategy
	}
	if j.req.AllowShrink > w.allowShrink {
		w.allowShrink = j.req.AllowShrink
	}
	if w.columns, err = w.view.DescribedColumns(); err != nil {
		return nil, err
	}
	w.firstOfDefinition = w.state.Loaded == nil || *w.state.Loaded != w.view.Generation
	if err := j.examine(ctx, w); err != nil {
		return nil, err
	}
	w.proof.wanted = !j.runner.rehearses && !j.req.Whole && w.provable()
	if w.state.Ahead() {
		w.remark("as-of was in the future: the clock of the cache database has been set back since")
	}
	if err := w.choose(ctx); err != nil {
		return nil, err
	}
	w.newRelation = w.firstOfDefinition || w.lost
	w.whole = w.newRelation || j.req.Whole || !w.traits().Watermark || w.state.Watermark == nil ||
		w.state.Ahead() || reconcileDue(w.view, w.state)
	if err := j.findEmptied(ctx, w); err != nil {
		return nil, err
	}
	if !w.whole && w.view.Transport == catalog.AutoTransport {
		w.tail, err = catalog.In(w.at.tx).TailRows(ctx, w.view)
	}
	return w, err
}

// provable says whether there is a copy of which it could be proven that it holds all that it has to.
func (w *viewWork) provable() bool {
	return !w.firstOfDefinition && !w.lost && w.seen() && w.state.AsOf != nil && !w.state.Ahead() && !reconcileDue(w.view, w.state)
}

// reconcileDue says whether an incremental view has to be read in full once more.
func reconcileDue(v catalog.View, s catalog.State) bool {
	return v.ReconcileEvery > 0 &&
		(s.ReconciledAt == nil || s.Now.Sub(*s.ReconciledAt) >= v.ReconcileEvery || s.ReconciledAt.After(s.Now))
}

// start makes the run visible to others, through another connection: this transaction's writes are not.
func (j *job) start(ctx context.Context, w *viewWork) error {
	pid := w.state.Backend
	m := j.member(w.view.ID)
	if m == nil {
		m = &viewRun{view: w.view}
		j.members = append(j.members, m)
	}
	m.view = w.view
	if m.run.ID != 0 {
		resumed, err := j.runner.store.ResumeRun(ctx, m.run, pid, j.number)
		if err != nil || resumed {
			return err
		}
	}
	run, err := j.runner.store.StartRun(ctx, w.view, w.strategy, w.whole, j.runner.cfg.Origin, pid, j.set != 0)
	if err != nil {
		return err
	}
	m.run = run
	j.runner.cfg.Log.DebugContext(ctx, "run started", infra.KeyView, w.view.Name.String(), infra.KeyRun, run.ID,
		infra.KeyStrategy, string(w.strategy), infra.KeyLink, w.view.Link.Name)
	return nil
}
