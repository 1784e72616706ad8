package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
)

// PlanAdd returns the statements that [Definer.Add] would run in the cache database, and changes nothing. It fails where Add
// would, as far as that shows before rows are read.
func (d *Definer) PlanAdd(ctx context.Context, v catalog.View, noData bool) ([]plan.Step, error) {
	return d.Plan(ctx, []Change{adding(v, noData)})
}

// PlanAlter returns the statements that [Definer.Alter] would run, and changes nothing.
func (d *Definer) PlanAlter(ctx context.Context, name catalog.Name, change func(*catalog.View) error, noData bool) ([]plan.Step, error) {
	return d.Plan(ctx, []Change{{Name: name, Define: change, NoData: noData}})
}

// PlanDrop returns the statements that [Definer.Drop] would run, and changes nothing.
func (d *Definer) PlanDrop(ctx context.Context, name catalog.Name) ([]plan.Step, error) {
	return d.Plan(ctx, []Change{{Name: name, Drop: true}})
}

// Plan returns the statements that [Definer.Apply] would run in the cache database, and changes nothing: Apply runs, in a
// rehearsal.
func (d *Definer) Plan(ctx context.Context, changes []Change) ([]plan.Step, error) {
	return d.runner.rehearse(ctx, func(r *Runner) error {
		rehearsing := *d
		rehearsing.pool, rehearsing.runner, rehearsing.tell, rehearsing.builds = r.pool, r, nil, 1 // in one transaction
		_, err := rehearsing.Apply(ctx, changes)
		return err
	})
}

// Plan returns the statements that [Runner.Refresh] would run in the cache database, and reads nothing but the remote
// clock: Refresh runs, in a rehearsal. Its session on Redshift is opened first: a view that has to be given back to its
// readers is locked from then on.
func (r *Runner) Plan(ctx context.Context, req Request) ([]plan.Step, error) {
	v, err := r.store.View(ctx, req.View)
	if err != nil {
		return nil, r.store.Explain(ctx, err)
	}
	if err := checkRequest(v, req); err != nil {
		return nil, err
	}
	return r.rehearse(ctx, func(r *Runner) error {
		if v.Kind == catalog.RemoteSource {
			if err := r.opener.(*rehearsedOpener).ahead(ctx, v); err != nil {
				return about("refresh view", req.View, err)
			}
		}
		req.Wait = changePatience
		run, err := r.Refresh(ctx, req)
		switch {
		case err != nil:
			return err
		case run.State == catalog.Skipped:
			return about("refresh view", req.View, fmt.Errorf("held by %s", *run.Holder))
		case run.Note != "":
			return about("refresh view", req.View, errors.New(run.Note))
		}
		return nil
	})
}

// rehearse has fn run in one transaction that is rolled back, whatever transactions it takes, and returns the statements that
// would have stayed. What fn writes into the catalog, a run of a refresh for one, it sees, and nobody else.
func (r *Runner) rehearse(ctx context.Context, fn func(*Runner) error) (steps []plan.Step, err error) {
	err = infra.InTx(ctx, r.pool, infra.Limits{}, func(tx pgx.Tx) error {
		rehearsal := plan.NewRehearsal(tx)
		opener := &rehearsedOpener{cache: r.pool, links: r.cfg.Links, tx: tx, rehearsal: rehearsal}
		err := fn(r.rehearsing(rehearsal, opener))
		err = cmp.Or(err, opener.close(ctx))
		if steps = rehearsal.Steps(); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return steps, nil
	}
	return nil, err
}

// In is a Runner that works in a rehearsal, and opens no session.
func (r *Runner) In(rehearsal *plan.Rehearsal) *Runner { return r.rehearsing(rehearsal, nil) }

// rehearsing is a Runner that works in a rehearsal: it tells nobody, tries once, and leaves links as they are.
func (r *Runner) rehearsing(rehearsal *plan.Rehearsal, opener opener) *Runner {
	cfg := r.cfg
	cfg.Log, cfg.Attempts = slog.New(slog.DiscardHandler), 1
	cfg.Links = rehearsedLinks{r.cfg.Links}
	return &Runner{pool: rehearsal, store: catalog.In(rehearsal), cfg: cfg, rehearses: true, opener: opener}
}

// rehearsedLinks have no login renewed for a session that reads nothing.
type rehearsedLinks struct{ Links }

func (rehearsedLinks) Ready(context.Context, catalog.Link) error { return nil }

// rehearsedOpener opens sessions through dblink, which read nothing.
type rehearsedOpener struct {
	cache     infra.Beginner
	links     Links
	tx        pgx.Tx // of the rehearsal
	rehearsal *plan.Rehearsal
	opened    *dblink.Session // ahead; nil: none, or it is in use
}

// ahead opens the session of a view.
func (o *rehearsedOpener) ahead(ctx context.Context, v catalog.View) (err error) {
	if o.opened, err = o.open(ctx, o.tx, v.Link); err != nil {
		return explainRemote(v, err)
	}
	return nil
}

func (o *rehearsedOpener) open(ctx context.Context, tx pgx.Tx, l catalog.Link) (*dblink.Session, error) {
	return o.links.Open(ctx, tx, l, redshift.Settings{QueryGroup: "redcache plan"})
}

func (o *rehearsedOpener) close(ctx context.Context) error {
	if o.opened == nil {
		return nil
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	return o.opened.Close(ctx)
}

// Forget has nothing to forget.
func (*rehearsedOpener) Forget(int32) {}

// Open returns the session that was opened ahead, or opens one.
func (o *rehearsedOpener) Open(ctx context.Context, tx pgx.Tx, w read.Wish) (s read.Session, why, err error) {
	note := func(statement string) {
		o.rehearsal.Note(plan.Step{Title: "load rows", SQL: statement})
	}
	if w.Transport == catalog.LocalTransport {
		s, err = read.LocalIn(ctx, tx, w.Inputs, w.Set)
		return read.Rehearsed(s, note), nil, err
	}
	session := o.opened
	if o.opened = nil; session == nil {
		if session, err = o.open(ctx, tx, w.Link); err != nil {
			return nil, nil, err
		}
	}
	s = read.Dblink(session, tx, o.cache)
	if w.Transport != catalog.DblinkTransport {
		s = read.AsStream(s)
	}
	return read.Rehearsed(s, note), nil, nil
}
