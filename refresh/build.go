package refresh

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
)

// build fills the generations one by one, beside those that readers see.
func (s *set) build(ctx context.Context) error {
	for i := range s.units {
		run, err := s.fill(ctx, &s.units[i])
		if run.ID != 0 {
			s.runs = append(s.runs, run)
		}
		if err != nil {
			return err
		}
	}
	return s.about(ctx, s.changes(), catalog.In(s.pool).TouchSet(ctx, s.id, 0))
}

// fill fills the generations of a unit, for the first time or once more.
func (s *set) fill(ctx context.Context, u *unit) (catalog.Run, error) {
	if err := catalog.In(s.pool).TouchSet(ctx, s.id, 0); err != nil {
		return catalog.Run{}, s.about(ctx, s.changes(), err)
	}
	began := time.Now()
	run, frozen, err := s.runner.build(ctx, s.id, *u, s.tell)
	if err != nil {
		return run, s.advise(*u, err)
	}
	u.took, s.frozen = time.Since(began), s.frozen && frozen
	return run, nil
}

// build fills the generations of a unit, and leaves it to whoever asked for them to have readers see them.
func (r *Runner) build(ctx context.Context, set int32, u unit, tell func(Phase)) (run catalog.Run, frozen bool, err error) {
	work, cancel := r.within(ctx)
	defer cancel()
	j := &job{
		runner: r, set: set, stub: u.stub, req: Request{View: u.asked, Wait: changePatience, Progress: tell},
		repaired: map[redshift.Class]bool{}, mended: map[int32][]string{},
	}
	if err := r.early(work, 0); err != nil {
		return run, false, about("build view", u.asked, err)
	}
	if err := r.tryUntilDone(work, j); err != nil {
		run, err = r.fail(work, j, err)
		return run, false, err
	}
	for _, m := range j.members {
		r.log(ctx, slog.LevelInfo, m.result)
	}
	frozen = !slices.ContainsFunc(j.members, func(m *viewRun) bool { return !m.frozen })
	return j.results(), frozen, nil
}

// advise says of a view that could not be added what is advised on one that is there.
func (s *set) advise(u unit, err error) error {
	if slices.ContainsFunc(s.decisions, func(c decision) bool { return c.Name == u.asked && c.Add }) {
		return addingInstead(u.asked, err)
	}
	return err
}
