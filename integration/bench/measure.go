package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// sample is one measured run of a scenario.
type sample struct {
	scenario string
	path     *path
	level    int
	outcome
	seen                reading
	sourceCPU, cacheCPU float64 // seconds that the two servers worked meanwhile
}

// rounds measures every path at each of its levels, round by round. When it is interrupted, the rounds that are over
// count.
func (w *world) rounds(ctx context.Context, paths []*path) ([]sample, error) {
	var samples []sample
	done := 0
	for round := range w.runs {
		for _, level := range levels {
			// 100 % takes most of the time, and has no limit to keep.
			if level > w.changed || level == 100 && round%2 == 1 {
				continue
			}
			some, err := w.levelRound(ctx, paths, round, level)
			if ctx.Err() != nil && done > 0 {
				say("interrupted after %d of %d rounds", round, w.runs)
				return samples[:done], nil
			}
			if err != nil {
				return nil, err
			}
			samples = append(samples, some...)
		}
		done = len(samples)
	}
	if samples == nil {
		return nil, errors.New("nothing to measure: no path matches -only")
	}
	return samples, nil
}

// levelRound lets all copies catch up, changes a share of the source, and measures how each path follows. The order
// moves on from round to round.
func (w *world) levelRound(ctx context.Context, all []*path, round, level int) (samples []sample, err error) {
	var paths []*path
	for _, p := range all {
		if p.at(level) {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return nil, nil
	}
	for _, p := range paths {
		if p.changed != nil && p.synced != p.table.version {
			if err := w.once(ctx, p); err != nil {
				return nil, err
			}
		}
	}
	if err := w.change(ctx, paths, level); err != nil {
		return nil, err
	}
	if err := execAll(ctx, w.cacheAdmin, "VACUUM ANALYZE"); err != nil {
		return nil, err
	}
	for i := range paths {
		p := paths[(i+round)%len(paths)]
		s, err := w.measure(ctx, p, level)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.scenario(level), err)
		}
		say("round %d of %d: %-28s %8.3f s", round+1, w.runs, s.scenario, s.Seconds)
		samples = append(samples, s)
	}
	return samples, nil
}

// change updates the tables that the paths copy. The small one always sees as many rows change as the big one at 1 %.
func (w *world) change(ctx context.Context, paths []*path, level int) error {
	if level == 0 {
		return nil
	}
	if err := w.big.change(ctx, w.sourceAdmin, w.rows*level/100, w.scatter && level < 100); err != nil {
		return err
	}
	for _, p := range paths {
		if p.table == w.small {
			return w.small.change(ctx, w.sourceAdmin, w.rows/100, w.scatter)
		}
	}
	return nil
}

// once runs a path without measuring it.
func (w *world) once(ctx context.Context, p *path) error {
	if p.prepare != nil {
		if err := p.prepare(ctx); err != nil {
			return err
		}
	}
	_, err := p.run(ctx)
	p.synced = p.table.version
	return err
}

// measure runs a path while readers read, and then checks the copy. What it leaves to be cleaned up is cleaned up before
// anything else is measured: dead rows and dirty pages are not for the next path to pay.
func (w *world) measure(ctx context.Context, p *path, level int) (s sample, err error) {
	s = sample{scenario: p.scenario(level), path: p, level: level}
	if p.prepare != nil {
		if err := p.prepare(ctx); err != nil {
			return s, err
		}
	}
	if err := errors.Join(execAll(ctx, w.cacheAdmin, "CHECKPOINT"), execAll(ctx, w.sourceAdmin, "CHECKPOINT")); err != nil {
		return s, err
	}
	read := p.read
	if read == "" {
		read = p.copy
	}
	r, err := openReaders(ctx, w.cache.OwnerURL(w.cacheDB), read, p.table.rows, w.options)
	if err != nil {
		return s, err
	}
	before := [2]time.Duration{cpuTime(w.source), cpuTime(w.cache)}
	r.start(ctx)
	s.outcome, err = p.run(ctx)
	var readErr error
	s.seen, readErr = r.stop(ctx)
	if err := errors.Join(err, readErr); err != nil {
		return s, err
	}
	if s.State != p.state || p.transport != "" && s.Transport != p.transport {
		return s, fmt.Errorf("the run is %s by transport %s, want %s by %s", s.State, s.Transport, p.state, p.transport)
	}
	s.sourceCPU = (cpuTime(w.source) - before[0]).Seconds()
	s.cacheCPU = (cpuTime(w.cache) - before[1]).Seconds()
	p.synced = p.table.version
	if err := p.table.verify(ctx, w.sourceAdmin, w.cacheAdmin, p.copy); err != nil {
		return s, err
	}
	return s, execAll(ctx, w.cacheAdmin, "VACUUM")
}
