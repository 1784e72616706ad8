package refresh

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// catchUp reads again, just before the set takes effect, what was built early: what reads only what is new, and beside that as
// much as can be read in a part of the time that the build took. Rows that cannot be had again are right as they are, only older.
func (s *set) catchUp(ctx context.Context) error {
	if s.took < s.runner.cfg.CatchUpAfter {
		return nil
	}
	for _, i := range s.quick(s.took / time.Duration(s.runner.cfg.CatchUpShare)) {
		f := s.fill(ctx, i, s.units[i])
		s.units[i].take(f)
		switch err := f.err; {
		case ctx.Err() != nil, errors.Is(err, catalog.ErrSetGone):
			return err
		case err != nil:
			s.runs[i].Note = "readers see its rows as they were built: once more they could not be read: " + infra.Message(err)
		default:
			caughtUp(&s.runs[i], s.units[i].run)
		}
	}
	return s.about(ctx, s.changes(), catalog.In(s.pool).TouchSet(ctx, s.id, 0))
}

// quick are the units that can be read again within a time, in their order: others are computed from the first ones.
func (s *set) quick(within time.Duration) (those []int) {
	for i := range s.units {
		those = append(those, i)
	}
	again := func(i int) time.Duration {
		if s.units[i].tail {
			return 0
		}
		return s.units[i].took
	}
	slices.SortStableFunc(those, func(a, b int) int { return cmp.Compare(again(a), again(b)) })
	for n, i := range those {
		if within -= again(i); within < 0 {
			those = those[:n]
			break
		}
	}
	slices.Sort(those)
	return those
}

// caughtUp has a run that has built something say of which moment its rows are now.
func caughtUp(built *catalog.Run, again catalog.Run) {
	built.AsOf = again.AsOf
	for i := range built.Others {
		for _, other := range again.Others {
			if other.ViewID == built.Others[i].ViewID {
				built.Others[i].AsOf = other.AsOf
			}
		}
	}
}
