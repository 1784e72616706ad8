package main

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// rates are how many rows slow sources send in a second: a read takes long enough for the source to change meanwhile.
var rates = []int{200, 600}

// slow has the source send so many rows in a second; zero is as many as it can.
func (h *history) slow(rate int) {
	if rate > 0 {
		h.say("the source sends %d rows in a second", rate)
		h.did("a slow source, which changes meanwhile")
	}
	h.pair.stand.Throttle(rate)
}

// awaitRead waits until a slow source is being read, if that comes about at all.
func (h *history) awaitRead(ctx context.Context, rate int, since time.Time) error {
	if rate == 0 {
		return nil
	}
	underWay := func(s redshiftsim.Statement) bool {
		return s.End.IsZero() && s.Start.After(since) && strings.Contains(s.SQL, "public.item") && !strings.Contains(s.SQL, "LIMIT 0")
	}
	const most = 500 * time.Millisecond
	for deadline := time.Now().Add(most); time.Now().Before(deadline) && !slices.ContainsFunc(h.pair.stand.Statements(), underWay); {
		if err := pauseFor(ctx, 3*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// planMidst refreshes everything, or one unit, while a slow source changes. Half of the time watermarks were lost before, so
// that incremental views look at the source twice.
func planMidst(h *history, r *rand.Rand, n int, p *plan) {
	if r.IntN(2) == 0 {
		c := kindOf("lose the watermark").change(r, n)
		p.first = &c
	}
	c := drawChange(r, n)
	p.during, p.rate, p.after, p.fault = &c, one(r, rates), time.Duration(r.IntN(40))*time.Millisecond, nil
	if p.doings = h.refreshAll(r); r.IntN(2) == 0 {
		p.doings = []doing{one(r, p.doings)}
	}
}
