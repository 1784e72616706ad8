package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// plan is what a step does, drawn before anything of it is done.
type plan struct {
	first  *change       // at rest, before all else
	during *change       // while the others are at it
	after  time.Duration // after which during begins; where there is a rate, counted from the first read
	rate   int           // of the rows that the source sends in a second; zero: as many as it can
	doings []doing       // at the same time
	fault  *fault        // strikes them
	deed   *deed         // instead of the doings
}

// doing is one attempt to refresh a unit, or to alter one of its views.
type doing struct {
	unit   *unit
	view   catalog.Name
	worker int
	whole  bool
	wait   time.Duration
	alter  *catalog.View // what it is to become
	noData bool          // the alteration leaves the building to the next refresh
}

// draw draws a step.
func (h *history) draw(n int) plan {
	r := h.random(n)
	var p plan
	if r.IntN(4) > 0 {
		c := drawChange(r, n)
		p.first = &c
	}
	c := drawChange(r, n)
	if p.after = time.Duration(r.IntN(40)) * time.Millisecond; r.IntN(3) == 0 {
		p.during = &c
	}
	p.doings = h.drawDoings(r)
	if f := drawFault(r); r.IntN(5) == 0 {
		p.fault = &f
	}
	if p.during != nil && r.IntN(2) == 0 {
		p.rate = one(r, rates)
	}
	h.drawDeed(n, &p)
	return p
}

func (h *history) drawDoings(r *rand.Rand) (doings []doing) {
	u := one(r, h.units)
	switch n := r.IntN(10); {
	case n < 5:
		return []doing{drawRefresh(r, u)}
	case n < 6: // both workers, the same unit
		return []doing{drawRefresh(r, u), drawRefresh(r, u)}
	case n < 8:
		return h.refreshAll(r)
	}
	doings = []doing{h.drawAlteration(r, u)}
	if r.IntN(2) == 0 { // and a refresh beside it
		doings = append(doings, drawRefresh(r, u))
	}
	return doings
}

func drawRefresh(r *rand.Rand, u *unit) doing {
	d := doing{unit: u, view: one(r, u.names), worker: r.IntN(2), whole: r.IntN(6) == 0}
	if r.IntN(2) == 0 {
		d.wait = 20 * time.Second
	}
	return d
}

// refreshAll refreshes everything at once.
func (h *history) refreshAll(r *rand.Rand) (doings []doing) {
	for _, u := range h.units {
		doings = append(doings, drawRefresh(r, u))
	}
	return doings
}

// drawAlteration draws what a view is to become: something else, or what it is but for what can change in place.
func (h *history) drawAlteration(r *rand.Rand, u *unit) doing {
	d, n := h.drawDefinition(r), r.IntN(len(u.names))
	if r.IntN(2) == 0 {
		keepShape(&d, u.now[n].def)
	}
	return doing{unit: u, view: u.names[n], alter: &d, noData: r.IntN(5) == 0}
}

// step does one step and holds what came of it against the model.
func (h *history) step(ctx context.Context, n int) error {
	p := h.draw(n)
	if p.first != nil {
		h.say("source: %s", p.first.what)
		if err := h.commit(ctx, *p.first, false); err != nil {
			return err
		}
	}
	if p.deed != nil {
		h.say("%s", p.deed.what)
		h.did(p.deed.what)
		if p.deed.do != nil {
			return p.deed.do(h, ctx, n)
		}
	}
	from := len(h.versions) - 1
	results := make([]result, len(p.doings))
	lift, err := h.strike(ctx, p.fault)
	if err != nil {
		return err
	}
	h.slow(p.rate)
	began := time.Now()
	var all errgroup.Group
	if p.during != nil {
		h.say("source, meanwhile: %s", p.during.what)
		all.Go(func() error {
			if err := errors.Join(h.awaitRead(ctx, p.rate, began), pauseFor(ctx, p.after)); err != nil {
				return err
			}
			return h.commit(ctx, *p.during, true)
		})
	}
	for i, d := range p.doings {
		all.Go(func() error {
			results[i] = h.do(ctx, d, p.fault)
			return nil
		})
	}
	err = all.Wait()
	h.slow(0)
	if h.harm != nil {
		err = errors.Join(err, h.harm(ctx))
	}
	if err := errors.Join(err, lift(), h.settle(ctx)); err != nil {
		return err
	}
	return h.hold(ctx, p, results, from)
}

// hold checks every unit.
func (h *history) hold(ctx context.Context, p plan, results []result, from int) error {
	for _, u := range h.units {
		did := happened{faults: p.fault != nil, from: from, to: len(h.versions) - 1}
		for i, d := range p.doings {
			if d.unit == u {
				did.results = append(did.results, results[i])
				if d.alter != nil {
					did.tried = tried(u, d)
				}
				h.tally.count(results[i])
			}
		}
		did.from = h.noted(did)
		if err := h.check(ctx, u, did); err != nil {
			return err
		}
		if err := h.publishRest(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// tried returns a unit as an alteration would have it: the others of a group get new generations as well.
func tried(u *unit, d doing) []copied {
	all := slices.Clone(u.now)
	for n, name := range u.names {
		if name == d.view {
			become(&all[n].def, *d.alter)
		}
		all[n].def.Generation++
	}
	return all
}

// noted is the first version that a copy may be of. What is skipped because no change was noted may be older than the
// step, by as much as its as-of says.
func (h *history) noted(did happened) int {
	from := did.from
	for _, r := range did.results {
		for _, run := range append([]catalog.Run{r.run}, r.run.Others...) { // each may have another proof
			if run.State != catalog.Unchanged || run.AsOf == nil {
				continue
			}
			for from > 0 && !h.versions[from].committed.Before(*run.AsOf) {
				from--
			}
		}
	}
	return from
}

// do refreshes or alters.
func (h *history) do(ctx context.Context, d doing, f *fault) result {
	ctx, cancel := f.context(ctx)
	defer cancel()
	res := result{whole: d.whole, altered: d.alter != nil}
	switch {
	case f != nil && f.what == killed:
		res = h.kill(ctx, order{View: d.view, Definition: d.alter, NoData: d.noData}, f.after)
	case d.alter != nil:
		res.what = "alter " + d.view.String()
		change := func(v *catalog.View) error { become(v, *d.alter); return nil }
		res.run, res.err = h.pair.definer.Alter(ctx, d.view, change, d.noData, nil)
	default:
		res.what = "refresh " + d.view.String()
		res.run, res.err = h.pair.workers[d.worker].Refresh(ctx, refresh.Request{View: d.view, Whole: d.whole, Wait: d.wait})
	}
	h.say("%s: %s", res.what, outcome(res))
	return res
}

func outcome(r result) string {
	text := string(r.run.State)
	switch {
	case r.unknown:
		text = "killed"
	case r.run.ID == 0:
		text = "done without a run"
	}
	if r.run.Transport != nil {
		text += fmt.Sprintf(", a %s by %s", r.run.Strategy, *r.run.Transport)
	}
	if r.run.Note != "" {
		text += ", note: " + r.run.Note
	}
	if r.run.Reason != nil {
		text += ", reason: " + *r.run.Reason
	}
	if r.err != nil {
		text += ", error: " + r.err.Error()
	}
	return text
}
