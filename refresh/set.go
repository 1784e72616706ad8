package refresh

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
)

// set is decisions that take effect together, once all is built that they need.
type set struct {
	*Definer
	id        int32
	decisions []decision
	units     []unit
	runs      []catalog.Run // one for each unit
	frozen    bool          // no transaction, however old, sees anything of it empty
}

// unit is what is built in one transaction: a view, or all views of a group.
type unit struct {
	asked catalog.Name // somebody has asked for its change
	stub  catalog.Stub
}

// begin stores what is to be built, if anything is. Nobody but this process makes anything of it until it takes effect.
func (d *Definer) begin(ctx context.Context, tx pgx.Tx, decisions []decision) (*set, error) {
	s := &set{Definer: d, frozen: true, decisions: decisions}
	if !slices.ContainsFunc(decisions, decision.builds) {
		return s, nil
	}
	s.decisions = nil
	var err error
	if s.id, err = catalog.In(tx).BeginSet(ctx); err != nil {
		return nil, err
	}
	groups := map[string]int{}
	for _, c := range decisions {
		if c.builds() {
			if c.after, err = catalog.In(tx).Prepare(ctx, s.id, c.after); err != nil {
				return nil, c.about(err)
			}
			noteStored(tx, c, storeStep)
			at, known := groups[c.after.Group]
			if !known || c.after.Group == "" {
				at = len(s.units)
				groups[c.after.Group] = at
				s.units = append(s.units, unit{})
			}
			s.units[at].add(c)
		}
		s.decisions = append(s.decisions, c)
	}
	return s, nil
}

// add adds a view to what is built in one transaction.
func (u *unit) add(c decision) {
	if u.asked == (catalog.Name{}) || !c.along && u.stub.ID == 0 {
		u.asked = c.Name
	}
	if !c.along && u.stub.ID == 0 {
		u.stub.ID = c.after.ID
	}
	u.stub.Timeout = max(u.stub.Timeout, c.after.Timeout)
	u.stub.Members = append(u.stub.Members, c.after.ID)
	slices.Sort(u.stub.Members)
}

// make builds the set and has it take effect; or, whatever fails, leaves nothing of it.
func (s *set) make(ctx context.Context) ([]catalog.Run, error) {
	err := s.build(ctx)
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

// build fills the generations one by one, beside those that readers see.
func (s *set) build(ctx context.Context) error {
	for _, u := range s.units {
		if err := catalog.In(s.pool).TouchSet(ctx, s.id); err != nil {
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
	return s.about(ctx, s.changes(), catalog.In(s.pool).TouchSet(ctx, s.id))
}

// advise says of a view that could not be added what is advised on one that is there.
func (s *set) advise(u unit, err error) error {
	if slices.ContainsFunc(s.decisions, func(c decision) bool { return c.Name == u.asked && c.Add }) {
		return addingInstead(u.asked, err)
	}
	return err
}

// tidy sees to what a switch leaves to be done. Nothing here can make it fail any more.
func (s *set) tidy(ctx context.Context) {
	ctx, cancel := recording(ctx)
	defer cancel()
	for _, c := range s.decisions {
		if !c.builds() {
			continue
		}
		s.runner.notify(ctx, c.after)
		s.runner.remember(ctx, c.after)
		s.runner.tidy(ctx, c.after)
	}
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
