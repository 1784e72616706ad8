package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/redcache/redcache/catalog"
)

// drawDefinition draws all of a definition but its name and its group. Most draws are valid; what is refused changes
// nothing, which is a promise too.
func (h *history) drawDefinition(r *rand.Rand) catalog.View {
	strategy := one(r, catalog.Strategies)
	its, _ := strategy.Traits()
	key := one(r, [][]string{{"id"}, {"code"}, {"id", "code"}, {"part"}, nil})
	if key == nil && its.Key != "" {
		key = []string{"id"}
	}
	var d catalog.View
	d.Query, d.Strategy, d.Key, d.Transport = one(r, queries).remote, strategy, key, drawTransport(r, its)
	d.SkipUnchanged = one(r, []catalog.SkipUnchanged{catalog.SkipOff, catalog.SkipOff, catalog.SkipAuto, catalog.SkipModified, catalog.SkipContent})
	d.Indexes = one(r, [][]string{nil, {"num"}, {"name"}, {"code", "at DESC"}})
	d.AllowShrink, d.Sessions = one(r, []int{100, 100, 100, 50}), 1
	d.Grantees, d.Timeout = []string{reading}, time.Minute
	drawWatermark(r, &d, its)
	drawSplit(r, &d, its)
	if h.define != nil {
		h.define(&d)
	}
	return d
}

// become gives a view what a drawn definition says.
func become(v *catalog.View, d catalog.View) {
	v.Query, v.Strategy, v.Key, v.Transport, v.SkipUnchanged = d.Query, d.Strategy, d.Key, d.Transport, d.SkipUnchanged
	v.Indexes, v.AllowShrink, v.Split, v.Sessions = d.Indexes, d.AllowShrink, d.Split, d.Sessions
	v.Watermark, v.Lookback, v.SafetyLag, v.ReconcileEvery = d.Watermark, d.Lookback, d.SafetyLag, d.ReconcileEvery
	v.Grantees, v.Timeout = d.Grantees, d.Timeout
}

// keepShape has a drawn definition keep what its generation is made for, where its strategy can do with that.
func keepShape(d *catalog.View, now catalog.View) {
	its, _ := d.Strategy.Traits()
	if its.Key != "" && len(now.Key) == 0 {
		return
	}
	d.Query, d.Key, d.Indexes = now.Query, now.Key, now.Indexes
	if its.Watermark && now.Watermark != "" {
		if (d.Watermark == "at") != (now.Watermark == "at") { // one is an interval, the other a number
			d.Lookback = now.Lookback
		}
		d.Watermark = now.Watermark
	}
	if d.Watermark != "at" || len(d.Key) > 0 { // see drawWatermark
		d.SafetyLag = 0
	}
}

// always is how often a view is read in full that always is, as each run begins later than the one before has.
const always = time.Microsecond

// fullReads are how often incremental views are read in full: on demand, always, and not in a history's lifetime.
var fullReads = []time.Duration{0, 0, 0, always, 24 * time.Hour}

// single says that the model knows a definition of a view that stands alone only: in a group, which of the views are read
// in full is not the same for all.
func single(v catalog.View) bool { return mayReconcile(v) }

// mayReconcile says that the clock decides whether a view is read in full.
func mayReconcile(v catalog.View) bool {
	return v.ReconcileEvery > always && v.ReconcileEvery < time.Hour
}

func drawTransport(r *rand.Rand, its catalog.Traits) catalog.Transport {
	if !its.Takes(catalog.StreamTransport) {
		return one(r, []catalog.Transport{catalog.AutoTransport, catalog.DblinkTransport})
	}
	return one(r, catalog.Transports)
}

func drawWatermark(r *rand.Rand, d *catalog.View, its catalog.Traits) {
	watermark := one(r, []string{"at", "num", "seq"})
	lookback := one(r, []string{"0", "1", "0.6", "7.25", "30"})
	lag := time.Duration(0)
	if watermark == "at" {
		lookback = one(r, []string{"0s", "1s", "5s", "10m"})
		if len(d.Key) == 0 { // with a key: see planIncremental
			lag = one(r, []time.Duration{0, time.Hour})
		}
	}
	reconcile := one(r, fullReads)
	if its.Watermark {
		d.Watermark, d.Lookback, d.SafetyLag, d.ReconcileEvery = watermark, lookback, lag, reconcile
	}
}

func drawSplit(r *rand.Rand, d *catalog.View, its catalog.Traits) {
	split, sessions, some := one(r, []string{"id", "num", "seq", "at"}), 2+r.IntN(3), r.IntN(2) == 0
	if some && its.Splits && d.Transport != catalog.DblinkTransport {
		d.Split, d.Sessions = split, sessions
	}
}

// describe says in a line what a definition is.
func describe(v catalog.View) string {
	if v.Watermark == "" {
		v.Lookback = ""
	}
	words := []string{string(v.Strategy), "by " + string(v.Transport), fmt.Sprintf("query %d", queryIndex(v))}
	for _, part := range []struct{ name, value string }{
		{"key", strings.Join(v.Key, "+")},
		{"watermark", v.Watermark},
		{"lookback", v.Lookback},
		{"group", v.Group},
		{"indexes", strings.Join(v.Indexes, " and ")},
		{"split", v.Split},
	} {
		if part.value != "" {
			words = append(words, part.name+" "+part.value)
		}
	}
	if v.SafetyLag > 0 {
		words = append(words, "safety lag "+v.SafetyLag.String())
	}
	if v.ReconcileEvery > 0 {
		words = append(words, "in full every "+v.ReconcileEvery.String())
	}
	if v.SkipUnchanged != catalog.SkipOff {
		words = append(words, "skip "+string(v.SkipUnchanged))
	}
	if v.AllowShrink != 100 {
		words = append(words, fmt.Sprintf("shrink %d", v.AllowShrink))
	}
	return strings.Join(words, ", ")
}

func queryIndex(v catalog.View) int {
	return slices.IndexFunc(queries, func(q query) bool { return q.remote == v.Query })
}
