package catalog

import (
	"slices"
	"strings"
)

// Strategy is how a refresh is applied.
type Strategy string

// The strategies, by the names that users, catalog and metrics all use.
const (
	Nonconcurrent Strategy = "nonconcurrent" // REFRESH MATERIALIZED VIEW; readers wait
	Concurrent    Strategy = "concurrent"    // REFRESH MATERIALIZED VIEW CONCURRENTLY
	Incremental   Strategy = "incremental"   // reads past the watermark into a table
	Swap          Strategy = "swap"          // fills a new table, and points the view at it
	Merge         Strategy = "merge"         // reads everything, and writes what differs
	Auto          Strategy = "auto"          // swap or merge, by what recent runs did
	Live          Strategy = "live"          // computes its rows whenever they are read
)

// Traits are what a strategy is like. Whoever has to know asks for a trait, and not which strategy it is.
type Traits struct {
	Strategy Strategy
	Told     string // what people are told of it where they choose

	// Materialized says that its generations are materialized views, whose rows PostgreSQL itself reads; else they are
	// tables.
	Materialized bool
	// Rowless says that its generations are plain views over what it reads, which is therefore here: it keeps no rows, needs no
	// refresh, and is as fresh as its inputs.
	Rowless bool
	// Key is why it needs a key, and Keyless what does without one; empty: it needs none.
	Key     string
	Keyless Strategy
	// Watermark says that it reads past a watermark, and needs one; else it reads everything, each time.
	Watermark bool

	// Anew says that each refresh makes another generation.
	Anew bool
	// AtOnce says that a refresh shows its rows also to transactions that are to see the old ones.
	AtOnce bool
	// InPlace is the strategy by which a table that was loaded beside the one that readers see can be written into that
	// one instead; empty: none.
	InPlace Strategy
	// Guarded says that each refresh is held to the limit of rows that may be lost; else only the first of a definition.
	Guarded bool
	// Splits says that a read of everything can be split over several sessions.
	Splits bool

	Scans Scans
}

// Scans is how often a refresh that changes no row scans the generation and its indexes, as PostgreSQL counts it.
type Scans struct {
	Always int
	Keyed  int // more, with a key
	Index  int // more, for each index
}

// Table has the traits of all strategies, in the order in which people are told of them.
var Table = []Traits{
	{
		Strategy: Nonconcurrent, Told: "readers wait",
		Materialized: true, AtOnce: true, Scans: Scans{Always: 1, Keyed: 1, Index: 1}, // it builds all indexes again
	},
	{
		Strategy: Concurrent, Told: "needs --key",
		Materialized: true, Key: "for the unique index by which rows are compared", Keyless: Nonconcurrent,
		Scans: Scans{Always: 3},
	},
	{
		Strategy: Incremental, Told: "needs --watermark",
		Watermark: true, InPlace: Merge, Scans: Scans{Always: 3, Keyed: 1}, // one looks whether there is any row at all
	},
	{
		Strategy: Swap, Told: "writes everything anew, and switches",
		Anew: true, InPlace: Merge, Guarded: true, Splits: true,
	},
	{
		Strategy: Merge, Told: "needs --key, writes what differs",
		Key: "by which rows are compared", Keyless: Swap, InPlace: Merge, Guarded: true, Splits: true, Scans: Scans{Always: 5},
	},
	{
		Strategy: Auto, Told: "swap or merge, by what recent refreshes were like",
		InPlace: Merge, Guarded: true, Splits: true, Scans: Scans{Always: 5},
	},
	{
		Strategy: Live, Told: "keeps no rows, over other views of the cache", Rowless: true,
	},
}

// Strategies lists all of them.
var Strategies = those(func(Traits) bool { return true })

// Traits returns what the strategy is like; not ok when there is no such strategy.
func (s Strategy) Traits() (t Traits, ok bool) {
	i := slices.IndexFunc(Table, func(t Traits) bool { return t.Strategy == s })
	if i < 0 {
		return Traits{}, false
	}
	return Table[i], true
}

// Of lists those by which the rows of a source can be shown.
func Of(kind SourceKind) []Strategy {
	return slices.DeleteFunc(slices.Clone(Strategies), func(s Strategy) bool { t, _ := s.Traits(); return !t.Shows(kind) })
}

// Shows says whether the rows of a source can be shown by the strategy.
func (t Traits) Shows(kind SourceKind) bool {
	if kind == RemoteSource {
		return !t.Rowless
	}
	return !t.Materialized && !t.Watermark
}

// Takes says whether rows that travel so can feed the strategy.
func (t Traits) Takes(transport Transport) bool {
	return !t.Materialized && !t.Rowless || transport != StreamTransport
}

// those lists the strategies of which something is true.
func those(fit func(Traits) bool) (list []Strategy) {
	for _, t := range Table {
		if fit(t) {
			list = append(list, t.Strategy)
		}
	}
	return list
}

// told lists strategies as people write a list, with the last behind a word. What needs a watermark, as not every query has
// one, comes last.
func told(word string, fit func(Traits) bool) string {
	names := words(slices.Concat(
		those(func(t Traits) bool { return fit(t) && !t.Watermark }), those(func(t Traits) bool { return fit(t) && t.Watermark })))
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], ", ") + " " + word + " " + names[last]
}

// usual is the strategy that is meant where none is given: a watermark, or else a key, says so.
func usual(watermark, key bool) Strategy {
	switch {
	case watermark:
		return Incremental
	case key:
		return Concurrent
	}
	return Nonconcurrent
}
