package infra

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait between attempts: Base, doubled each time up to Max, each spread by a quarter in both
// directions so that many that failed together do not come back together.
type Backoff struct {
	Base time.Duration  // before the second attempt; default 500ms
	Max  time.Duration  // before the spread; default 1m
	Rand func() float64 // in [0, 1); default math/rand/v2
}

const (
	defaultBase = 500 * time.Millisecond
	defaultMax  = time.Minute
	jitter      = 0.25
)

// Delay returns the pause after the failed attempt number n, counted from 1.
func (b Backoff) Delay(n int) time.Duration {
	base, limit, random := b.Base, b.Max, b.Rand
	if base <= 0 {
		base = defaultBase
	}
	if limit <= 0 {
		limit = defaultMax
	}
	if random == nil {
		random = rand.Float64
	}
	d := min(base, limit)
	for i := 1; i < n && d < limit; i++ {
		d = min(2*d, limit)
	}
	return time.Duration(float64(d) * (1 - jitter + 2*jitter*random()))
}

// Wait sleeps for the Delay of attempt n, or until ctx ends, whose cause it then returns.
func (b Backoff) Wait(ctx context.Context, n int) error { return Sleep(ctx, b.Delay(n)) }

// Sleep sleeps for so long, or until ctx ends, whose cause it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
