package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
)

// differenceError is what the soak looks for.
type differenceError struct {
	what string
	rows []string
}

func (e *differenceError) Error() string { return e.what }

func differs(format string, args ...any) error {
	return &differenceError{what: fmt.Sprintf(format, args...)}
}

// node is what a unit may have come to: what runs wrote into, after so many refreshes, the last of which read a version.
type node struct {
	bases   []content
	loaded  []int32
	asked   []int // by which queries
	depth   int
	version int
}

// happened is what was done to a unit in a step, and what came of it.
type happened struct {
	results  []result
	tried    []copied // the definitions that an alteration tried, if there was one
	faults   bool     // one of them may have been struck by something
	from, to int      // the versions of the source that there were
}

// result is what an attempt to refresh or to alter came to.
type result struct {
	what    string
	run     catalog.Run
	err     error
	whole   bool // it was told to read everything
	altered bool
	unknown bool // nobody was left to say what it came to
}

// done says that rows were written, or proven to be right.
func (r result) done() bool { return !r.unknown && r.err == nil && r.run.State.Succeeds() }

// reach lists what a unit may have come to from what it was.
func (h *history) reach(before, after []copied, did happened) (nodes []node, refusals []string) {
	start := node{version: did.from}
	for _, c := range before {
		start.bases, start.loaded = append(start.bases, c.base), append(start.loaded, c.loaded)
		start.asked = append(start.asked, c.asked)
	}
	nodes = []node{start}
	for first, depth := 0, 0; depth < len(did.results); depth++ {
		last := len(nodes)
		for _, n := range nodes[first:last] {
			for v := n.version; v <= did.to; v++ {
				for _, defs := range [][]copied{before, after, did.tried} {
					for _, whole := range wholes(defs, did) {
						next, must, may := h.refreshed(n, defs, v, whole)
						refusals = append(refusals, slices.DeleteFunc([]string{must, may}, func(s string) bool { return s == "" })...)
						if must == "" {
							nodes = append(nodes, next)
						}
					}
				}
			}
		}
		first = last
	}
	return nodes, refusals
}

// wholes are the ways in which the refreshes of a step may have read: everything or not.
func wholes(defs []copied, did happened) []bool {
	if defs == nil {
		return nil
	}
	incremental := slices.ContainsFunc(defs, func(c copied) bool { return c.def.Strategy == catalog.Incremental })
	if !incremental {
		return []bool{true}
	}
	// A group whose views get new generations reads everything.
	all := []bool{false}
	if len(defs) > 1 || slices.ContainsFunc(did.results, func(r result) bool { return r.whole }) {
		all = append(all, true)
	}
	if len(did.results) == 1 && did.results[0].whole {
		return []bool{true}
	}
	if slices.ContainsFunc(defs, func(c copied) bool { return mayReconcile(c.def) }) {
		if run := did.results; len(defs) == 1 && len(run) == 1 && run[0].done() && run[0].run.ID > 0 {
			return []bool{run[0].run.Whole}
		}
		return []bool{false, true}
	}
	return all
}

// refreshed is one refresh of all views of a unit. must says why it has to be refused, may why it may be: whether a new
// definition's rows are held against those of the old one depends on whether they are the same rows.
func (h *history) refreshed(n node, defs []copied, v int, whole bool) (next node, must, may string) {
	next = node{depth: n.depth + 1, version: v}
	for i, c := range defs {
		fresh := c.def.Generation != n.loaded[i]
		source := h.versions[v].rows[queryIndex(c.def)]
		how := way{whole: whole || c.def.ReconcileEvery == always, fresh: fresh, known: queryIndex(c.def) == n.asked[i]}
		after, why := apply(c.def, n.bases[i], source, how)
		lost := shrinks(c.def, n.bases[i].rows, after.rows, fresh)
		switch {
		case fresh:
			may = cmp.Or(may, lost)
		case why == "":
			why = lost
		}
		if why != "" {
			return next, c.def.Name.View + ": " + why, may
		}
		next.bases, next.loaded = append(next.bases, after), append(next.loaded, c.def.Generation)
		next.asked = append(next.asked, queryIndex(c.def))
	}
	return next, "", may
}

// shrinks says why a refresh would lose too many rows. A swap or merge is asked, and whatever builds a new generation.
func shrinks(def catalog.View, before, source []row, fresh bool) string {
	lost := len(before) - len(source)
	guarded := fresh || def.Strategy == catalog.Swap || def.Strategy == catalog.Merge || def.Strategy == catalog.Auto
	if guarded && lost > 0 && 100*lost > def.AllowShrink*len(before) {
		return "too many rows would go"
	}
	return ""
}

// check holds a unit at rest against what it may have come to, and notes what readers may have seen meanwhile.
func (h *history) check(ctx context.Context, u *unit, did happened) error {
	after, err := h.observe(ctx, u.names)
	if err != nil {
		return err
	}
	before := u.now
	if err := holdDefinitions(u, before, after, did); err != nil {
		return err
	}
	nodes, refusals := h.reach(before, after, did)
	if err := expected(did, refusals); err != nil {
		return err
	}
	done, least := 0, 0
	for _, r := range did.results {
		if r.done() && (!r.altered || r.run.ID != 0) {
			done++
		}
	}
	if least = done; !did.faults {
		nodes = slices.DeleteFunc(nodes, func(n node) bool { return n.depth > done })
	}
	found, err := h.match(ctx, u, after, nodes, least)
	if err != nil {
		return h.withRuns(ctx, after, err)
	}
	if done > 0 {
		if err := h.holdAsOf(after, found.version, did); err != nil {
			return err
		}
	}
	h.mayBeSeen(u, before, after, nodes, done > 1 || did.faults)
	u.now = after
	return nil
}

// match finds the node that the unit is at, and the latest version of the source that explains it.
func (h *history) match(ctx context.Context, u *unit, after []copied, nodes []node, least int) (found node, err error) {
	var closest error
	for n := len(nodes) - 1; n >= 0; n-- {
		if nodes[n].depth < least {
			continue
		}
		err := h.holds(ctx, u, after, nodes, nodes[n])
		if err == nil {
			if found.bases == nil || nodes[n].version > found.version {
				found = nodes[n]
			}
			continue
		}
		var d *differenceError
		if !errors.As(err, &d) {
			return found, err
		}
		if closest == nil || len(d.rows) < len(closest.(*differenceError).rows) { //nolint:errorlint // set below
			closest = d
		}
	}
	if found.bases != nil {
		return found, nil
	}
	if closest == nil {
		closest = differs("unit %d: a refresh succeeded that had to fail", u.number)
	}
	return found, closest
}

// holds says how a unit differs from a node. A generation that readers do not see yet leaves them at an earlier node.
func (h *history) holds(ctx context.Context, u *unit, after []copied, nodes []node, n node) (err error) {
	for i, c := range after {
		from := u.names[i].SQL()
		if c.hidden {
			if err := h.sawBefore(ctx, u, i, nodes); err != nil {
				return err
			}
			if from, err = h.loaded(ctx, c); err != nil {
				return err
			}
		}
		rows, err := difference(ctx, h.pair.admin, from, resolve(n.bases[i].rows, c.base.rows))
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			return &differenceError{fmt.Sprintf("%s, generation %d (%s) differs from its source", u.names[i], c.loaded, describe(c.def)), rows}
		}
		if c.marked() && c.loaded == n.loaded[i] && !sameMark(c.base.mark, n.bases[i].mark) {
			return differs("%s, generation %d (%s) has watermark %s, want %s", u.names[i], c.loaded, describe(c.def), show(c.base.mark), show(n.bases[i].mark))
		}
	}
	return nil
}

func (h *history) sawBefore(ctx context.Context, u *unit, i int, nodes []node) error {
	var rows []string
	for _, n := range nodes {
		var err error
		if rows, err = difference(ctx, h.pair.admin, u.names[i].SQL(), n.bases[i].rows); err != nil || len(rows) == 0 {
			return err
		}
	}
	if same, err := difference(ctx, h.pair.admin, u.names[i].SQL(), u.now[i].seen); err != nil || len(same) == 0 {
		return err
	}
	return &differenceError{u.names[i].String() + " differs from all that it may be while its next generation is not published", rows}
}

// expected holds outcomes against what the model refuses. What it lets pass must not fail, unless something struck.
func expected(did happened, refusals []string) error {
	for _, r := range did.results {
		switch {
		case r.err == nil || did.faults || len(refusals) > 0 || refusedDefinition(r):
		default:
			return differs("%s failed, and nothing says why: %v (run %s)", r.what, r.err, r.run.State)
		}
	}
	return nil
}

// refusedDefinition says that a definition was refused by its own contradictions, as documented, before it was stored.
func refusedDefinition(r result) bool {
	return r.altered && errors.As(r.err, new(*catalog.InvalidError))
}

func show(mark *int64) string {
	if mark == nil {
		return "none"
	}
	return strings.TrimSpace(fmt.Sprint(*mark))
}
