package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// history is one sequence of steps, and all that is known of it.
type history struct {
	seed    uint64
	options options
	pair    *pair
	units   []*unit
	tally   tally
	// patience is how long what was stopped may take to be gone.
	patience time.Duration
	numbers  int // of units so far

	// What tests of the soak itself put in: other units, and harm that has to be noticed. Nil otherwise.
	define func(v *catalog.View)
	sizes  []int // of the units
	harm   func(ctx context.Context) error

	mu       sync.Mutex
	at       int // the step
	versions []version
	log      []string // of the last steps
}

// settingsStep is the number by which the settings of a history are drawn.
const settingsStep = 1 << 20

// limit is how long a step may take before the history is given up as stuck.
const limit = 3 * time.Minute

// runHistory makes a world for a history, runs it and takes the world down.
func runHistory(ctx context.Context, w *world, o options, seed uint64) tally {
	h := newHistory(o, seed)
	err := h.run(ctx, w)
	if err != nil && ctx.Err() == nil {
		h.report(err)
		h.tally.differences++
	}
	h.tally.histories++
	return h.tally
}

func newHistory(o options, seed uint64) *history {
	return &history{seed: seed, options: o, tally: newTally(), patience: 30 * time.Second}
}

func (h *history) run(ctx context.Context, w *world) (err error) {
	h.pair, err = w.openPair(ctx, func(p *pair) error { return h.trouble(ctx, p, h.random(settingsStep)) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.pair.close(err != nil && ctx.Err() == nil)) }()
	if err := h.begin(ctx); err != nil {
		return err
	}
	rs, err := startReaders(ctx, h)
	if err != nil {
		return err
	}
	err = h.live(ctx, rs)
	rs.stop()
	<-rs.done
	h.tally.reads += rs.count.Load()
	if err == nil {
		err = h.holdLooks()
	}
	if err == nil {
		err = h.nothingLeft(ctx)
	}
	return err
}

// begin makes the source and the first definitions. The first load is no step: nobody reads yet.
func (h *history) begin(ctx context.Context) error {
	r := h.random(0)
	if err := h.commit(ctx, changed("begin", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
		"GRANT SELECT ON public.item TO PUBLIC"), false); err != nil {
		return err
	}
	first := change{what: "fill", statements: insertSome(r, 0, 25)}
	if err := h.commit(ctx, first, false); err != nil {
		return err
	}
	sizes := []int{1, 1, 1 + r.IntN(3)}
	if h.sizes != nil {
		sizes = h.sizes
	}
	for n, views := range sizes {
		group := ""
		if views > 1 {
			group = fmt.Sprintf("group%d", n)
		}
		var names []catalog.Name
		for i := range views {
			name := catalog.Name{Schema: "bi", View: fmt.Sprintf("u%d_%d", n, i)}
			if err := h.add(ctx, r, group, name); err != nil {
				return err
			}
			names = append(names, name)
		}
		if _, err := h.unite(ctx, group, names); err != nil {
			return err
		}
	}
	return nil
}

// unite makes a unit of views that are refreshed together.
func (h *history) unite(ctx context.Context, group string, names []catalog.Name) (*unit, error) {
	now, err := h.observe(ctx, names)
	if err != nil {
		return nil, err
	}
	u := newUnit(h.numbers, h.now(), names, now)
	u.group = group
	h.numbers++
	h.mu.Lock()
	h.units = append(h.units, u)
	h.mu.Unlock()
	for i, c := range now {
		h.say("%s: %s", names[i], describe(c.def))
	}
	return u, nil
}

// everything are the units that there are.
func (h *history) everything() []*unit {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.units)
}

// add draws definitions until one is accepted.
func (h *history) add(ctx context.Context, r *rand.Rand, group string, name catalog.Name) (err error) {
	for range 20 {
		v := catalog.NewView(name, h.pair.link)
		become(&v, h.drawDefinition(r))
		v.Group = group
		_, err = h.pair.definer.Add(ctx, v, false, nil)
		if err == nil {
			return nil
		}
		if !errors.As(err, new(*catalog.InvalidError)) {
			return fmt.Errorf("add %s (%s): %w", name, describe(v), err)
		}
	}
	return err
}

// random is the step's own, so that what it draws does not depend on what came of earlier steps.
func (h *history) random(step int) *rand.Rand { return rand.New(rand.NewPCG(h.seed, uint64(step))) }

func (h *history) now() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *history) live(ctx context.Context, rs *readers) error {
	for n := 1; n <= h.options.steps && ctx.Err() == nil && !h.options.over(); n++ {
		h.mu.Lock()
		h.at = n
		h.mu.Unlock()
		within, cancel := context.WithTimeoutCause(ctx, limit, errors.New("a step does not come to an end"))
		began := time.Now()
		err := h.step(within, n)
		cancel()
		h.tally.steps++
		if took := time.Since(began); took > h.tally.slowest.took {
			h.tally.slowest = slowStep{h.seed, n, took}
		}
		if err == nil {
			err = h.holdLooks()
		}
		select {
		case readErr := <-rs.errs:
			err = errors.Join(err, readErr)
		default:
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (h *history) holdLooks() error {
	var errs []error
	for _, u := range h.units {
		errs = append(errs, u.holdLooks())
	}
	return errors.Join(errs...)
}

// did counts what was done, changed what happened to the source.
func (h *history) did(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tally.deeds[what]++
}

func (h *history) changed(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tally.changes[what]++
}

// say keeps a line for the report.
func (h *history) say(format string, args ...any) {
	line := fmt.Sprintf("%3d  ", h.now()) + fmt.Sprintf(format, args...)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.log = append(h.log, line)
	if h.options.verbose {
		fmt.Fprintf(os.Stderr, "%d %s\n", h.seed, line)
	}
}

// report prints what a human needs to see it again.
func (h *history) report(err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nDIFFERENCE in the history of seed %d, step %d. Again: go run ./integration/soak -seed %d -histories 1 -steps %d -v\n",
		h.seed, h.now(), h.seed, h.options.steps)
	const last = 25
	for _, line := range h.log[max(0, len(h.log)-last):] {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	fmt.Fprintf(&b, "%v\n", err)
	if hint := infra.Hint(err); hint != "" {
		fmt.Fprintf(&b, "hint: %s\n", hint)
	}
	var d *differenceError
	if errors.As(err, &d) {
		for n, line := range d.rows {
			if n == 20 {
				fmt.Fprintf(&b, "  … and %d more\n", len(d.rows)-n)
				break
			}
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	if h.pair != nil {
		fmt.Fprintf(&b, "source: database %s in %s; cache: database %s in %s\n",
			h.pair.sourceDB, h.pair.world.engine.Dir, h.pair.cacheDB, h.pair.cache.Dir)
	}
	fmt.Fprint(os.Stderr, b.String())
}
