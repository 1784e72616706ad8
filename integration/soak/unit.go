package main

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"strings"
	"sync"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/sql"
)

// copied is a view as it is at rest.
type copied struct {
	def    catalog.View
	loaded int32   // the generation that runs write to
	asked  int     // its query
	seen   []row   // what readers see
	base   content // what the next run starts from: the same, unless a generation is not published yet
	hidden bool    // it is not
	asOf   time.Time
}

// marked says that there is a watermark, of the generation that the definition asks for.
func (c copied) marked() bool {
	return c.def.Strategy == catalog.Incremental && c.def.Generation == c.loaded
}

// unit is what is refreshed together: a view, or a group.
type unit struct {
	number int
	group  string // that its views share; empty: they do not, or did once and only one is left
	names  []catalog.Name
	now    []copied

	mu    sync.Mutex
	steps []seenIn // by step, what readers may have seen
	looks []look
	gone  map[int]bool // steps in which a view of it was dropped, and made again
}

// seenIn is what readers may see in a step: what all views of the unit show together.
type seenIn struct {
	vectors  map[string]bool
	anything bool // the model leaves open which of several rows there are
}

// newUnit returns a unit that readers may look at from the step on.
func newUnit(number, step int, names []catalog.Name, now []copied) *unit {
	u := &unit{number: number, names: names, now: now, steps: make([]seenIn, step+1), gone: map[int]bool{}}
	u.steps[step].vectors = map[string]bool{seenVector(now): true}
	return u
}

// isMissing says that a view of the unit may not be there in a step.
func (u *unit) isMissing(step int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.gone[step] = true
}

// wasMissing says whether that was so in one of the steps.
func (u *unit) wasMissing(first, last int) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	for n := range u.gone {
		if n >= first && n <= last {
			return true
		}
	}
	return false
}

// vector is what a reader of all views of a unit sees.
func vector(digests []string) string { return strings.Join(digests, " ") }

func vectorOf(copies [][]row) string {
	digests := make([]string, len(copies))
	for n, rows := range copies {
		digests[n] = digest(rows)
	}
	return vector(digests)
}

// observe reads the views of a unit at rest.
func (h *history) observe(ctx context.Context, names []catalog.Name) ([]copied, error) {
	all := make([]copied, len(names))
	for n, name := range names {
		v, state, err := h.pair.store.ViewAndState(ctx, name)
		if err != nil {
			return nil, err
		}
		c := copied{def: v}
		if state.Loaded == nil || state.Generation == nil || state.AsOf == nil {
			return nil, fmt.Errorf("view %s has no generation", name)
		}
		c.loaded, c.hidden, c.asOf = *state.Loaded, *state.Loaded != *state.Generation, *state.AsOf
		built := v
		built.Definition = state.LoadedBy.Definition
		c.asked = queryIndex(built)
		if c.seen, err = readRows(ctx, h.pair.admin, name.SQL()); err != nil {
			return nil, err
		}
		c.base.rows = c.seen
		if c.hidden {
			from, err := h.loaded(ctx, c)
			if err != nil {
				return nil, err
			}
			if c.base.rows, err = readRows(ctx, h.pair.admin, from); err != nil {
				return nil, err
			}
		}
		if c.marked() && state.Watermark != nil {
			if c.base.mark, err = parseMark(v.Watermark, *state.Watermark); err != nil {
				return nil, err
			}
		}
		all[n] = c
	}
	return all, nil
}

// loaded is the generation that runs write to, as readers will see it: a materialized view has a column more.
func (h *history) loaded(ctx context.Context, c copied) (from string, err error) {
	relation := sql.Ident(catalog.DataSchema, c.def.Relation(c.loaded))
	err = h.pair.admin.QueryRow(ctx, `SELECT '(SELECT ' || string_agg(quote_ident(attname), ', ' ORDER BY attnum) || ' FROM ' || $1 || ')'
		FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'redcache_repeats'`,
		relation).Scan(&from)
	return from, err
}

// parseMark reads a watermark of the catalog in the units of [row.mark].
func parseMark(column, text string) (*int64, error) {
	if column == "at" && text == "-infinity" {
		lowest := int64(math.MinInt64)
		return &lowest, nil
	}
	if column == "at" {
		moment, err := time.Parse("2006-01-02 15:04:05.999999", text)
		micros := moment.UnixMicro()
		return &micros, err
	}
	number, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("watermark %q is no number", text)
	}
	hundredths, _ := new(big.Float).SetRat(number.Mul(number, big.NewRat(100, 1))).Int64()
	return &hundredths, nil
}

func sameMark(a, b *int64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
