package refresh

import (
	"context"
	"log/slog"
	"slices"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
)

// build fills the generations one by one, beside those that readers see.
func (s *set) build(ctx context.Context) error {
	for _, u := range s.units {
		if err := catalog.In(s.pool).TouchSet(ctx, s.id, 0); err != nil {
			return s.about(ctx, s.changes(), err)
		}
		run, frozen, err := s.runner.build(ctx, s.id, u, s.tell)
		if run.ID != 0 {
			s.runs = append(s.runs, run)
		}
		if err != nil {
			return s.advise(u, err)
		}
		s.frozen = s.frozen && frozen
	}
	return s.about(ctx, s.changes(), catalog.In(s.pool).TouchSet(ctx, s.id, 0))
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
