// Package health says of a view how it fares, in one sentence, with the evidence, and what to do next.
//
// The hard idea is that there is one answer. Several things can be true of a view at once: its link rests, its refreshes fail,
// an input is late. Whoever looks wants the one that has to go first. So the rules stand in an order, the first that applies
// speaks, and how bad it is follows from what readers have of it. Nothing is asked here: the facts were read before, in one
// moment, so that all who tell of a view, people and alerts, tell the same. What an input is late for is found by the same rules.
package health

import (
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/lock"
)

// Facts are what is known of a view.
type Facts struct {
	catalog.Status
	Link      catalog.LinkState // of its link
	Holder    *lock.Holder      // who has the view's lock; nil: nobody
	Runs      []catalog.Run     // the newest first, as far as they were read
	Inputs    []Facts           // of a local view
	Scheduled *time.Time        // when a worker or a Lambda last began a refresh of any view; nil: never
	Now       time.Time         // by the clock of the cache database
}

// Health is what readers have of a view.
type Health string

// The healths.
const (
	OK      Health = "ok"      // what it promises
	Warning Health = "warning" // that too, and something stands in the way of the next refresh
	Failed  Health = "failed"  // less than it promises, or nothing
)

// Cause is why a view fares as it does, in a word.
type Cause string

// The causes, in the order in which they are looked for.
const (
	Invalid    Cause = "invalid"    // its stored definition is none
	Broken     Cause = "broken"     // somebody has done something to the published view
	Ahead      Cause = "ahead"      // its as-of is of the future
	Changing   Cause = "changing"   // another definition of it is being built
	Failing    Cause = "failing"    // its refreshes fail
	Resting    Cause = "resting"    // its link rests
	Refreshing Cause = "refreshing" // a refresh is under way
	Held       Cause = "held"       // somebody has its lock, and does not refresh it
	Waiting    Cause = "waiting"    // inputs have not reached its label
	Unattended Cause = "unattended" // it is due, and nobody comes
	Unready    Cause = "unready"    // its source has nothing to read yet
	Empty      Cause = "empty"      // it has no rows yet
	Inheriting Cause = "inheriting" // its inputs are too old
	Rowless    Cause = "rowless"    // it keeps no rows, so it is as fresh as what it reads
	OnDemand   Cause = "on-demand"  // it has no interval
	Seldom     Cause = "seldom"     // its interval, or how long it takes, cannot keep the promise
	Unchanged  Cause = "unchanged"  // it is fresh, and its source does not move
	Fresh      Cause = "fresh"
)

// Causes are all of them.
var Causes = []Cause{
	Invalid, Broken, Ahead, Changing, Failing, Resting, Refreshing, Held, Waiting, Unattended, Unready, Empty, Inheriting, Rowless, OnDemand, Seldom, Unchanged, Fresh,
}

// Verdict is how a view fares.
type Verdict struct {
	Health   Health
	Cause    Cause
	Sentence string
	Evidence []string
	Next     string // the safest step; empty: there is nothing to do
}

// Of says how a view fares.
func Of(f Facts) (v Verdict) {
	for _, rule := range []func(Facts) *Verdict{
		invalid, broken, ahead, changing, failing, resting, refreshing, held, waiting, unattended, unready, empty, inheriting, rowless, onDemand, seldom, unchanged, fresh,
	} {
		if found := rule(f); found != nil {
			v = *found
			break
		}
	}
	v.Evidence = append(v.Evidence, f.promise())
	switch {
	case f.Stale, f.Generation == nil, v.Cause == Invalid, v.Cause == Broken:
		v.Health = Failed
	case v.Health == "":
		v.Health = OK
	}
	return v
}

// promise says what readers have, and what they were promised.
func (f Facts) promise() string {
	text := "it has no rows yet"
	if f.AsOf != nil && f.Age != nil {
		text = "its rows are as of " + clock(*f.AsOf) + ", " + brief(*f.Age) + " ago"
	}
	if f.View.MaxAge > 0 {
		return text + ", and it promises at most " + brief(f.View.MaxAge)
	}
	return text + ", and it promises nothing"
}

// clock is a moment as people read it.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// brief is a duration to the second.
func brief(d time.Duration) string { return catalog.FormatDuration(d.Round(time.Second)) }

// kept is what has the rows that a view shows: of one that keeps none, the oldest that it reads.
func (f Facts) kept() Facts {
	for f.View.Rowless() && len(f.Inputs) > 0 {
		f = slices.MinFunc(f.Inputs, func(a, b Facts) int { return a.asOf().Compare(b.asOf()) })
	}
	return f
}

// asOf is the beginning of time of what has no rows.
func (f Facts) asOf() time.Time {
	if f.AsOf == nil {
		return time.Time{}
	}
	return *f.AsOf
}
