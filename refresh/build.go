package refresh

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
)

// build fills the generations beside those that readers see: several at once, none before those of the set that it is computed
// from. The first failure ends them all.
func (s *set) build(ctx context.Context) error {
	start := time.Now()
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	ends := make(chan filling)
	var under underWay
	var failed error
	for {
		for i := s.next(under); i >= 0 && failed == nil; i = s.next(under) {
			s.units[i].stage = begun
			under.add(s.units[i].link, 1)
			go func(u unit) { ends <- s.fill(work, i, u) }(s.units[i])
		}
		if under.all == 0 {
			break
		}
		f := <-ends
		u := &s.units[f.unit]
		u.take(f)
		under.add(u.link, -1)
		if f.err != nil && failed == nil {
			failed = f.err
			cancel(errOtherFailed)
		}
	}
	for _, u := range s.units {
		if u.run.ID != 0 {
			s.runs = append(s.runs, u.run)
		}
	}
	s.took = time.Since(start)
	if failed != nil {
		return failed
	}
	return s.about(ctx, s.changes(), catalog.In(s.pool).TouchSet(ctx, s.id, 0))
}

// errOtherFailed is why a build ends that nothing is wrong with.
var errOtherFailed = errors.New("another view of the same change has failed")

// underWay counts builds.
type underWay struct {
	all    int
	ofLink map[int32]int
}

func (w *underWay) add(link catalog.Link, n int) {
	if w.ofLink == nil {
		w.ofLink = map[int32]int{}
	}
	w.all += n
	w.ofLink[link.ID] += n
}

// next is the first unit whose build can begin beside those under way; -1: there is none.
func (s *set) next(under underWay) int {
	if under.all >= s.builds {
		return -1
	}
	for i := range s.units {
		u := &s.units[i]
		remote := u.link.ID != 0
		if u.stage == waits && !(remote && under.ofLink[u.link.ID] >= max(u.link.MaxConcurrency, 1)) && s.areBuilt(u.reads) {
			return i
		}
	}
	return -1
}

func (s *set) areBuilt(units []int) bool {
	return !slices.ContainsFunc(units, func(i int) bool { return s.units[i].stage != built })
}

// filling is what has come of filling a unit.
type filling struct {
	unit   int
	run    catalog.Run
	frozen bool
	took   time.Duration
	err    error
}

// take keeps what has come of it. A unit that could not be filled once more is as it was.
func (u *unit) take(f filling) {
	again := u.stage == built
	if u.stage = built; again && f.err != nil {
		return
	}
	u.run, u.took, u.frozen = f.run, f.took, f.frozen && (!again || u.frozen)
}

// fill fills the generations of a unit, for the first time or once more.
func (s *set) fill(ctx context.Context, i int, u unit) (f filling) {
	f.unit = i
	if err := catalog.In(s.pool).TouchSet(ctx, s.id, 0); err != nil {
		f.err = s.about(ctx, s.changes(), err)
		return f
	}
	start := time.Now()
	f.run, f.frozen, f.err = s.runner.build(ctx, s.id, u, s.telling(u.asked))
	f.took = time.Since(start)
	if f.err != nil {
		f.err = s.advise(u, f.err)
	}
	return f
}

// telling tells what the build of a view is at; of several, also of which.
func (s *set) telling(view catalog.Name) func(Phase) {
	if s.tell == nil || len(s.units) == 1 {
		return s.tell
	}
	return func(phase Phase) { s.tell(Phase(view.String()) + ": " + phase) }
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
