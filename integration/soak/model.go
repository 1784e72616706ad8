package main

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
)

// This file is what the README says of each strategy, as a function: what a copy is after a refresh, given what it was
// before and what the source is. It knows nothing of how the engine does it.

// content is a copy and how far it was read.
type content struct {
	rows []row
	mark *int64 // the highest watermark read, of an incremental view
}

// repeats says why rows cannot be told apart by a key; "" if they can.
func repeats(rows []row, key []string) string {
	seen := map[string]bool{}
	for _, r := range rows {
		k, null := r.key(key)
		if null {
			return "a key is NULL"
		}
		if seen[k] {
			return "a key repeats: " + k
		}
		seen[k] = true
	}
	return ""
}

// way is how a refresh reads.
type way struct {
	whole bool // everything
	fresh bool // into a new generation
	known bool // whose query is that of the old one
}

// apply returns what a refresh makes of a copy; refused says why the refresh has to fail instead, "" if it has to succeed.
func apply(def catalog.View, before content, source []row, how way) (after content, refused string) {
	if def.Strategy != catalog.Incremental {
		if len(def.Key) > 0 {
			refused = repeats(source, def.Key)
		}
		return content{rows: source}, refused
	}
	none := before.mark == nil || *before.mark == math.MinInt64 // nothing lies below it
	how.whole = how.whole || how.fresh || none
	return applyIncremental(def, before, source, how)
}

func applyIncremental(def catalog.View, before content, all []row, how way) (after content, refused string) {
	low := int64(math.MinInt64)
	if !how.whole {
		low = lowest(def, *before.mark)
	}
	source := within(all, def, math.MinInt64) // what is too young does not exist yet
	read := within(source, def, low)
	after.mark = highest(read, def)
	if !how.whole && (after.mark == nil || *after.mark < *before.mark) {
		after.mark = before.mark
	}
	if len(def.Key) == 0 {
		if !how.whole {
			after.rows = slices.DeleteFunc(slices.Clone(before.rows), func(r row) bool { return inRange(r, def, low) })
		}
		after.rows = append(after.rows, read...)
		return after, ""
	}
	if slices.ContainsFunc(read, func(r row) bool { _, null := r.key(def.Key); return null }) {
		return before, "a key is NULL"
	}
	settled := settle(read, def)
	var old []row
	switch {
	case how.fresh && !how.known:
	case how.whole: // a key whose rows are all too young keeps what it was
		old = stillThere(def, before.rows, all)
	default:
		old = before.rows
	}
	after.rows = upsert(def, old, source, settled, low)
	return after, ""
}

// stillThere are the rows of a copy whose keys there are. By another key than the copy's, several may be one.
func stillThere(def catalog.View, copied, all []row) (old []row) {
	known, at := settle(all, def), map[string]int{}
	for _, r := range copied {
		k, _ := r.key(def.Key)
		first, found := at[k]
		switch _, there := known[k]; {
		case !there:
		case found:
			old[first].alts = append(slices.Clone(old[first].alts), r.text)
		default:
			at[k] = len(old)
			old = append(old, r)
		}
	}
	return old
}

// inRange says whether a read from low on returns the row: rows without a watermark are read every time, those that are
// younger than the safety lag not yet.
func inRange(r row, def catalog.View, low int64) bool {
	m := r.mark(def.Watermark)
	young := m != nil && def.SafetyLag > 0 && *m > time.Now().Add(-def.SafetyLag).UnixMicro()
	return m == nil || *m >= low && !young
}

func within(rows []row, def catalog.View, low int64) (read []row) {
	for _, r := range rows {
		if inRange(r, def, low) {
			read = append(read, r)
		}
	}
	return read
}

// highest returns the highest watermark, without rows from the future.
func highest(rows []row, def catalog.View) (mark *int64) {
	for _, r := range rows {
		m := r.mark(def.Watermark)
		if m == nil || *m == math.MaxInt64 || def.Watermark == "at" && *m > time.Now().UnixMicro() {
			continue
		}
		if mark == nil || *m > *mark {
			mark = m
		}
	}
	return mark
}

// settle keeps the row with the latest watermark of each key. Between equal watermarks any may be kept.
func settle(rows []row, def catalog.View) map[string]row {
	best := map[string]row{}
	for _, r := range rows {
		k, _ := r.key(def.Key)
		old, found := best[k]
		switch {
		case !found || later(r.mark(def.Watermark), old.mark(def.Watermark)):
			best[k] = r
		case !later(old.mark(def.Watermark), r.mark(def.Watermark)) && old.text != r.text:
			old.alts = append(slices.Clone(old.alts), r.text)
			best[k] = old
		}
	}
	return best
}

// later says whether watermark a is above b; NULL is below everything.
func later(a, b *int64) bool { return a != nil && (b == nil || *a > *b) }

// upsert writes what was read over what there is. Where the copy has a watermark and the row that was read has none, all
// rows of the key count, as a dated one comes before it. Where everything is read, low is the lowest number. A row of the
// copy that is too young by now would not have been read again, so it is not known to be gone.
func upsert(def catalog.View, copied, source []row, settled map[string]row, low int64) (after []row) {
	all := settle(source, def)
	// One such row has all keys looked at again that have one without a watermark, also those that are new.
	again := slices.ContainsFunc(copied, func(c row) bool {
		k, _ := c.key(def.Key)
		s, found := settled[k]
		return found && s.mark(def.Watermark) == nil && c.mark(def.Watermark) != nil
	})
	for _, c := range copied {
		k, _ := c.key(def.Key)
		s, found := settled[k]
		delete(settled, k)
		switch {
		case !found:
			s = c
		case s.mark(def.Watermark) == nil && again:
			s = all[k]
		case low > math.MinInt64 && later(c.mark(def.Watermark), s.mark(def.Watermark)) && !inRange(c, def, low):
			s = c
		}
		after = append(after, s)
	}
	for k, s := range settled {
		if s.mark(def.Watermark) == nil && again {
			s = all[k]
		}
		after = append(after, s)
	}
	return after
}

// lowest is where a read begins, rounded down to what the column can have.
func lowest(def catalog.View, mark int64) int64 {
	low := mark - lookback(def)
	if def.Watermark == "num" {
		low -= (low%100 + 100) % 100
	}
	return low
}

// lookback is in the units of the watermark.
func lookback(def catalog.View) int64 {
	if def.Watermark == "at" {
		d, err := catalog.ParseDuration(def.Lookback)
		if err != nil {
			panic(fmt.Sprintf("a definition of the soak's own has the lookback %q", def.Lookback))
		}
		return d.Microseconds()
	}
	number, ok := new(big.Rat).SetString(def.Lookback)
	if !ok {
		panic(fmt.Sprintf("a definition of the soak's own has the lookback %q", def.Lookback))
	}
	hundredths, _ := new(big.Float).SetRat(number.Mul(number, big.NewRat(100, 1))).Int64()
	return hundredths
}

// resolve chooses, where several rows may stand, the one that stands there.
func resolve(rows []row, actual []row) []row {
	there := map[string]bool{}
	for _, r := range actual {
		there[r.text] = true
	}
	resolved := slices.Clone(rows)
	for n, r := range resolved {
		for _, alt := range r.alts {
			if !there[r.text] && there[alt] {
				resolved[n].text = alt
			}
		}
	}
	return resolved
}
