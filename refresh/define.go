package refresh

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// Add adds a view, and fills it unless noData. An error means that nothing has changed. The view has no columns yet, and a
// link.
func (d *Definer) Add(ctx context.Context, v catalog.View, noData bool, progress func(Phase)) (catalog.Run, error) {
	return d.one(ctx, adding(v, noData), progress)
}

// Alter replaces a view's definition by the one that change makes of it. What only says when and for whom the view is
// refreshed takes effect at once. Anything else asks for another generation, which, unless noData, is built beside the one
// that readers see, and published when it is there. An error means that nothing has changed.
func (d *Definer) Alter(
	ctx context.Context, name catalog.Name, change func(*catalog.View) error, noData bool, progress func(Phase),
) (catalog.Run, error) {
	return d.one(ctx, Change{Name: name, Define: change, NoData: noData}, progress)
}

// Drop removes a view, its generations, its definition and its history. It fails when other objects depend on the
// view, and names them.
func (d *Definer) Drop(ctx context.Context, name catalog.Name) error {
	_, err := d.one(ctx, Change{Name: name, Drop: true}, d.tell)
	return err
}

// one applies a single change, and returns the run that filled the view, if one did.
func (d *Definer) one(ctx context.Context, c Change, progress func(Phase)) (catalog.Run, error) {
	runs, err := d.Telling(progress).Apply(ctx, []Change{c})
	if len(runs) == 0 {
		return catalog.Run{}, err
	}
	return runs[0], err
}

// Apply makes all changes, or none: they are rehearsed together, whatever needs other rows is built beside what readers
// see, and then all takes effect in one moment. It returns the runs that have built something, one for each view or group.
//
// Until that moment nothing has changed, whatever happens to this process: what it leaves behind nobody sees, and the next
// clean-up removes it. After an error nothing has changed either. One exception: where a single view, or a single group, has
// been built and readers leave no moment for the switch, its definition takes effect all the same, and the next refresh shows
// them the rows; the run's note says so. Readers who leave none in the rehearsal make it fail.
func (d *Definer) Apply(ctx context.Context, changes []Change) ([]catalog.Run, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	set, err := d.decide(ctx, changes)
	if err != nil || set == nil {
		return nil, d.about(ctx, changes, err)
	}
	return set.make(ctx)
}

// Describe has the servers say what changes come to, and changes nothing. It refuses what contradicts itself, or breaks views
// that are computed from others; what depends on a view otherwise, [Definer.Plan] finds.
func (d *Definer) Describe(ctx context.Context, changes []Change) ([]Described, error) {
	if err := checkNames(changes); err != nil {
		return nil, err
	}
	var decisions []decision
	err := infra.InTx(ctx, d.pool, d.limits(changes), func(tx pgx.Tx) (err error) {
		if decisions, err = d.describe(ctx, tx, changes); err != nil {
			return err
		}
		return errRehearsed
	})
	if !errors.Is(err, errRehearsed) {
		end, cancel := recording(ctx)
		defer cancel()
		return nil, nameHolders(end, d.pool, looked(err), namesOf(changes))
	}
	return described(decisions), nil
}

// looked says what was being looked at instead of what is not going to be done.
func looked(err error) error {
	if said, is := errors.AsType[*doneTo](err); is && !errors.As(err, new(*RefusedError)) {
		return infra.Hinted(&doneTo{"describe view", said.name, said.err}, infra.Hint(err))
	}
	return err
}

// make builds the set and has it take effect; or, whatever fails, leaves nothing of it.
func (s *set) make(ctx context.Context) ([]catalog.Run, error) {
	err := s.build(ctx)
	if err == nil {
		err = s.catchUp(ctx)
	}
	if err == nil {
		err = s.publish(ctx)
	}
	if err == nil {
		s.tidy(ctx)
		return s.runs, nil
	}
	if ended := context.Cause(ctx); ended != nil && !errors.Is(err, ended) {
		err = fmt.Errorf("%w; %w", ended, err)
	}
	end, cancel := recording(ctx)
	defer cancel()
	return s.runs, errors.Join(err, s.runner.dropSet(end, s.id))
}

// tidy sees to what a switch leaves to be done. Nothing here can make it fail any more.
func (s *set) tidy(ctx context.Context) {
	ctx, cancel := recording(ctx)
	defer cancel()
	for _, c := range s.decisions {
		if !c.builds() {
			continue
		}
		s.runner.announce(ctx, c.after, true, true)
		s.runner.tidy(ctx, c.after)
	}
}
