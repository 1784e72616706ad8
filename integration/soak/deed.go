package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
)

// deed is what every history has to have in it, so that a minute of the soak has it all. Every third step is one.
type deed struct {
	what string
	plan func(h *history, r *rand.Rand, n int, p *plan)           // what else the step is to be; nil: as it was drawn
	do   func(h *history, ctx context.Context, n int) (err error) // instead of refreshing; nil: refresh
}

var deeds = []deed{
	{what: "a view is dropped, and added again under its name", do: func(h *history, ctx context.Context, n int) error {
		return h.remake(ctx, n, false)
	}},
	{what: "a process that adds a view is killed", do: func(h *history, ctx context.Context, n int) error {
		return h.remake(ctx, n, true)
	}},
	{what: "a process that alters a view is killed", plan: planKilledAlteration},
	{what: "a view is refreshed while another definition of it is built", plan: planBuildBeside},
	{what: "a view has a safety lag together with a key", plan: planIncremental(func(d *catalog.View) {
		d.SafetyLag, d.ReconcileEvery = time.Hour, 0
	})},
	{what: "a view is read in full when the time has come", plan: planIncremental(func(d *catalog.View) {
		d.SafetyLag, d.ReconcileEvery = 0, time.Second
	})},
	{what: "the source changes in the midst of a read", plan: planMidst},
	{what: "a view joins a group", do: (*history).join},
	{what: "a view leaves its group", do: (*history).leave},
	{what: "rows vanish and come back", plan: planChange("rows vanish and come back")},
	{what: "truncate and swap unique values", plan: planChange("truncate and swap unique values")},
	{what: "watermarks without end", plan: planChange("watermarks without end")},
	{what: "change the sign of a key of zero", plan: planChange("change the sign of a key of zero")},
}

const (
	deedEvery = 3
	deedsStep = 1<<20 + 1 // the number by which the order of the deeds is drawn
)

// drawDeed makes every third step another deed, in an order of the history's own.
func (h *history) drawDeed(n int, p *plan) {
	if n%deedEvery != 0 {
		return
	}
	order := h.random(deedsStep).Perm(len(deeds))
	d := deeds[order[(n/deedEvery-1)%len(deeds)]]
	p.deed = &d
	if d.plan != nil {
		d.plan(h, h.random(deedsStep+n), n, p)
	}
}

func planChange(what string) func(h *history, r *rand.Rand, n int, p *plan) {
	return func(h *history, r *rand.Rand, n int, p *plan) {
		c := kindOf(what).change(r, n)
		if p.during == nil {
			p.first = &c
		} else {
			p.during = &c
		}
		p.doings = h.refreshAll(r)
	}
}

// planIncremental has a view become an incremental one with a key, and what else is said.
func planIncremental(and func(d *catalog.View)) func(h *history, r *rand.Rand, n int, p *plan) {
	return func(h *history, r *rand.Rand, _ int, p *plan) {
		alone := slices.DeleteFunc(slices.Clone(h.units), func(u *unit) bool { return u.group != "" })
		if len(alone) == 0 {
			return
		}
		u := one(r, alone)
		alteration, now := h.drawAlteration(r, u), u.now[0].def
		d := alteration.alter
		d.Strategy, d.Key, d.Transport, d.AllowShrink = catalog.Incremental, one(r, [][]string{{"id"}, {"part"}}), one(r, catalog.Transports), 100
		d.Watermark, d.Lookback, d.Split, d.Sessions = "at", "5s", "", 1
		if now.Watermark == "at" && len(now.Key) > 0 { // rows stay that have become too young
			keepShape(d, now)
		}
		and(d)
		p.doings = []doing{alteration}
	}
}

// planBuildBeside has both workers refresh, through a slow source, what is being altered.
func planBuildBeside(h *history, r *rand.Rand, _ int, p *plan) {
	u := one(r, h.units)
	alteration := h.drawAlteration(r, u)
	alteration.noData = false
	p.doings = []doing{alteration, drawRefresh(r, u), drawRefresh(r, u)}
	p.rate, p.fault = one(r, rates), nil
}

// planKilledAlteration kills a little later than others: an alteration looks at the source, and rehearses, before it reads.
func planKilledAlteration(h *history, r *rand.Rand, _ int, p *plan) {
	p.doings = []doing{h.drawAlteration(r, one(r, h.units))}
	p.fault = &fault{what: killed, after: time.Duration(r.IntN(400)) * time.Millisecond}
}
