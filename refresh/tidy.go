package refresh

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// tidyEvery is how few of the ordinary runs prune the history: not each has to pay for that. It is left to chance which,
// as the numbers of a view's runs follow a pattern when several views are refreshed in turns.
const tidyEvery = 16

// tidy bounds the history and drops what no reader can see any more. A later run tries again what fails here; stuck is
// what somebody has to see to.
func (r *Runner) tidy(ctx context.Context, v catalog.View) (stuck []string) {
	r.dropSets(ctx)
	leftovers, err := r.store.Tidy(ctx, v, r.cfg.KeepRuns)
	if err == nil && leftovers {
		stuck, err = relation.DropLeftovers(ctx, r.pool, v)
	}
	if inUse := errors.As(err, new(*lock.HeldError)) || relation.SQLState(err) == relation.LockNotAvailable; !inUse {
		r.warn(ctx, "tidying up after a run", v, err)
	}
	return stuck
}

// remark says in the history which old generations stay.
func (r *Runner) remark(ctx context.Context, m *viewRun, stuck []string) {
	if len(stuck) == 0 {
		return
	}
	text := fmt.Sprintf("%d old generations cannot be dropped, for instance %s", len(stuck), stuck[0])
	if len(stuck) == 1 {
		text = "an old generation cannot be dropped, " + stuck[0]
	}
	run, err := r.store.AddReason(ctx, m.run, text)
	if err != nil {
		r.cfg.Log.WarnContext(ctx, "leftovers are not in the history", infra.KeyRun, m.run.ID, infra.KeyError, err.Error())
		return
	}
	run.PublicReason = strings.TrimPrefix(m.result.PublicReason+"; "+text, "; ")
	m.result = run
}

// announce tells listeners of a view's new rows, and keeps what the view is that was just published, and what is on it.
func (r *Runner) announce(ctx context.Context, v catalog.View, rows, switched bool) {
	if rows {
		r.warn(ctx, "nobody was told of new rows", v, r.store.Notify(ctx, v))
	}
	if switched {
		r.warn(ctx, "what is on the view is not remembered", v, r.store.Remember(ctx, v.ID))
	}
}

// warn logs what failed behind a run, and cannot make it fail any more.
func (r *Runner) warn(ctx context.Context, what string, v catalog.View, err error) {
	if err != nil {
		r.cfg.Log.WarnContext(ctx, what,
			infra.KeyView, v.Name.String(), infra.KeyError, redshift.Public(err), infra.KeyHint, infra.Hint(err))
	}
}
