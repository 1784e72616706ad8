package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// remake drops a view and adds one of the same name and another definition. If the process that adds it is killed, it is
// there or not; in either case the name can be used at once.
func (h *history) remake(ctx context.Context, n int, killed bool) error {
	r := h.random(deedsStep + n)
	u := one(r, h.units)
	at := r.IntN(len(u.names))
	name, from := u.names[at], len(h.versions)-1
	u.isMissing(h.now())
	if err := h.pair.definer.Drop(ctx, name); err != nil {
		return differs("%s cannot be dropped: %v", name, err)
	}
	did := happened{faults: killed, from: from}
	if killed {
		v := catalog.NewView(name, h.pair.link)
		become(&v, h.drawDefinition(r))
		v.Group = u.group
		res := h.kill(ctx, order{View: name, Definition: &v, Add: true, NoData: r.IntN(5) == 0}, time.Duration(r.IntN(400))*time.Millisecond)
		h.say("%s: %s", res.what, outcome(res))
		did.results = append(did.results, res)
		if err := h.settle(ctx); err != nil {
			return err
		}
	}
	more, err := h.untilThere(ctx, r, u, name)
	if err != nil {
		return err
	}
	did.results = append(did.results, more...)
	return errors.Join(h.holdRemade(ctx, u, at, did), h.atRest(ctx))
}

// untilThere adds a view, or fills the one that is there, until readers see it. What keeps it from that can only be its
// keys, or how many rows others of its group would lose.
func (h *history) untilThere(ctx context.Context, r *rand.Rand, u *unit, name catalog.Name) (results []result, err error) {
	for tries := range 4 {
		_, state, err := h.pair.store.ViewAndState(ctx, name)
		res := result{what: "add " + name.String(), altered: true}
		switch {
		case err == nil && state.Generation != nil:
			return results, nil
		case err == nil:
			res.what = "fill " + name.String()
			res.run, res.err = h.pair.workers[r.IntN(2)].Refresh(ctx, refresh.Request{View: name, Whole: true, AllowShrink: 100})
		case errors.As(err, new(*catalog.NotFoundError)):
			res.err = h.add(ctx, r, u.group, name)
			res.run.ID, res.run.State = -1, catalog.Succeeded // of a kind that the summary does not count
		default:
			return results, err
		}
		h.say("%s: %s", res.what, outcome(res))
		results = append(results, res)
		if res.err != nil && tries > 0 {
			return results, differs("%s, with keys that are unique: %v", res.what, res.err)
		}
		if res.err != nil {
			if err := h.commit(ctx, changed("mend the keys", mendKeys...), false); err != nil {
				return results, err
			}
			results = append(results, h.letShrink(ctx, u, name)...)
		}
	}
	return results, differs("%s is not there after all attempts", name)
}

// letShrink refreshes the others of a group, of which an added view cannot say that they may lose rows.
func (h *history) letShrink(ctx context.Context, u *unit, name catalog.Name) []result {
	i := slices.IndexFunc(u.names, func(other catalog.Name) bool { return other != name })
	if i < 0 {
		return nil
	}
	res := result{what: "refresh " + u.names[i].String(), altered: true}
	res.run, res.err = h.pair.workers[0].Refresh(ctx, refresh.Request{View: u.names[i], Whole: true, AllowShrink: 100, Wait: time.Minute})
	h.say("%s: %s", res.what, outcome(res))
	return []result{res}
}

// holdRemade holds a unit against the model of which one view began with nothing.
func (h *history) holdRemade(ctx context.Context, u *unit, at int, did happened) error {
	if err := h.settle(ctx); err != nil {
		return err
	}
	now, err := h.observe(ctx, u.names[at:at+1])
	if err != nil {
		return err
	}
	u.now[at] = copied{def: now[0].def, loaded: now[0].loaded - 1, asked: -1}
	did.tried = slices.Clone(u.now)
	for n := range did.tried {
		did.tried[n].def.AllowShrink = 100 // which the attempts after the first one allow
	}
	did.faults, did.to = true, len(h.versions)-1
	if err := h.check(ctx, u, did); err != nil {
		return err
	}
	return h.publishRest(ctx, u)
}
