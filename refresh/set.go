package refresh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
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

// publish has the set take effect, once no transaction is left that would see anything of it empty. Two that grant rights on
// one schema, for instance, get in each other's way: then it tries again.
func (s *set) publish(ctx context.Context) error {
	var unseen error
	if !s.frozen {
		s.say(Publishing)
		unseen = s.await(ctx)
		if unseen != nil && !errors.As(unseen, new(*stillReadError)) {
			return s.about(ctx, s.changes(), unseen)
		}
	}
	for n := 1; ; n++ {
		err := infra.InTx(ctx, s.pool, infra.Limits{}, func(tx pgx.Tx) error { return s.publishIn(ctx, tx, unseen) })
		if errors.Is(err, infra.ErrOutcomeUnknown) && s.published(ctx) {
			return nil
		}
		if err == nil || n >= s.runner.cfg.Attempts || !retryable(err) || s.runner.cfg.Backoff.Wait(ctx, n) != nil {
			return s.about(ctx, s.changes(), err)
		}
	}
}

// await waits for transactions that are too old. The set's lock says meanwhile that somebody is still at it.
func (s *set) await(ctx context.Context) error {
	return infra.InTx(ctx, s.pool, infra.Limits{}, func(tx pgx.Tx) error {
		if taken, err := lock.Set(ctx, tx, s.id); err != nil || !taken {
			return cmp.Or(err, catalog.ErrSetGone)
		}
		return s.runner.awaitOldTransactions(ctx, s.runner.cfg.Patience)
	})
}

func (s *set) changes() (changes []Change) {
	for _, c := range s.decisions {
		if !c.along {
			changes = append(changes, c.Change)
		}
	}
	return changes
}

func (s *set) publishIn(ctx context.Context, tx pgx.Tx, unseen error) error {
	if err := s.holdAgain(ctx, tx); err != nil {
		return err
	}
	stored, err := s.put(ctx, tx, slices.DeleteFunc(slices.Clone(s.decisions), decision.builds))
	if err != nil {
		return err
	}
	for _, c := range s.decisions {
		if c.builds() {
			if err := s.dress(ctx, tx, c); err != nil {
				return c.about(err)
			}
			stored = append(stored, c)
		}
	}
	if unseen != nil {
		return s.handOver(ctx, tx, unseen)
	}
	switches, err := s.switches(ctx, tx, stored, decision.builds)
	if err != nil {
		return err
	}
	if err := s.runner.store.Touch(ctx, s.runs[0].Key()); err != nil { // which writes out what has been logged so far
		return err
	}
	err = relation.Publish(ctx, tx, s.runner.ordinary(), switches, func(tx pgx.Tx, _ relation.Try) error {
		if err := forget(ctx, tx, stored); err != nil {
			return err
		}
		return catalog.In(tx).PublishSet(ctx, s.id, len(switches.Switches))
	})
	if errors.As(err, new(*relation.StarvedError)) {
		return s.handOver(ctx, tx, err)
	}
	return err
}

// holdAgain takes the locks, and refuses to go on where somebody else has changed a definition since it was decided on. A
// refresh that is under way is waited for, however long it takes: what has been built may have taken longer.
func (s *set) holdAgain(ctx context.Context, tx pgx.Tx) error {
	taken, err := lock.Set(ctx, tx, s.id)
	if err != nil || !taken {
		return errors.Join(err, catalog.ErrSetGone)
	}
	err = s.lock(ctx, tx, s.decisions, func(c decision) time.Duration { return c.before.View.Timeout + changePatience })
	if err != nil {
		return err
	}
	for i := range s.decisions {
		c := &s.decisions[i]
		if c.Add {
			continue
		}
		now, err := stateOf(ctx, tx, c.Name)
		switch {
		case errors.As(err, new(*catalog.NotFoundError)), err == nil && c.moved(now):
			return infra.Hinted(c.about(fmt.Errorf("view %s: %w, and stays as it is", c.Name, errMoved)), "Nothing has changed. Try again.")
		case err != nil:
			return err
		}
		c.before = now
		if !c.builds() && !c.Drop {
			c.after.Generation = now.View.Generation
		}
		if c.condition, err = relation.ConditionOf(ctx, tx, now.View); err != nil {
			return err
		}
	}
	return sameGroups(ctx, tx, s.decisions)
}

// dress gives a generation what people have put on the one that readers see, and the view what the change says of readers.
func (s *set) dress(ctx context.Context, tx pgx.Tx, c decision) error {
	if !c.Add {
		if err := s.handOn(ctx, tx, c); err != nil {
			return err
		}
	}
	p, err := relation.PublishedOf(ctx, tx, c.after)
	if err != nil {
		return err
	}
	steps, err := relation.CarrySteps(ctx, tx, c.after, p)
	if err != nil {
		return err
	}
	return relation.RunSteps(ctx, tx, steps)
}

// handOver leaves it to the next refresh to show readers what a single view, or a single group, has got. Of more than that
// some would be shown earlier than others, so nothing takes effect.
func (s *set) handOver(ctx context.Context, tx pgx.Tx, why error) error {
	if len(s.units) != 1 || slices.ContainsFunc(s.decisions, func(c decision) bool { return !c.builds() }) {
		return why
	}
	end, cancel := recording(ctx)
	defer cancel()
	why = nameHolders(end, s.pool, why)
	first := !slices.ContainsFunc(s.decisions, func(c decision) bool { return c.before.State.Generation != nil })
	s.runs[0].Note = waiting(first) + " until the next refresh: " + infra.Message(why)
	s.runner.cfg.Log.WarnContext(ctx, "new generation is not published yet",
		infra.KeyView, s.units[0].asked.String(), infra.KeyRun, s.runs[0].ID, infra.KeyError, redshift.Public(why))
	return catalog.In(tx).HandOver(ctx, s.id)
}

// published finds out what became of a commit whose answer was lost.
func (s *set) published(ctx context.Context) bool {
	ctx, cancel := recording(ctx)
	defer cancel()
	for n := 1; ; n++ {
		did, err := catalog.In(s.pool).TookEffect(ctx, s.id)
		if err == nil {
			return did
		}
		if s.runner.cfg.Backoff.Wait(ctx, n) != nil {
			return false
		}
	}
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
	a := &attempt{
		runner: r, set: set, stub: u.stub, req: Request{View: u.asked, Wait: changePatience, Progress: tell},
		repaired: map[redshift.Class]bool{}, mended: map[int32][]string{},
	}
	if err := r.early(work, 0); err != nil {
		return run, false, about("build view", u.asked, err)
	}
	if err := r.tryUntilDone(work, a); err != nil {
		run, err = r.fail(work, a, err)
		return run, false, err
	}
	for _, m := range a.members {
		r.log(ctx, slog.LevelInfo, m.result)
	}
	frozen = !slices.ContainsFunc(a.members, func(m *member) bool { return !m.frozen })
	return a.results(), frozen, nil
}

// dropSet drops what a set has built, and deletes what the catalog has of it, unless somebody is at it. Nobody reads any of
// it.
func (r *Runner) dropSet(ctx context.Context, set int32) error {
	return infra.InTx(ctx, r.pool, infra.Limits{Lock: relation.ShortLock}, func(tx pgx.Tx) error {
		if taken, err := lock.Set(ctx, tx, set); err != nil || !taken {
			return err
		}
		members, err := catalog.In(tx).Prepared(ctx, set)
		if err != nil {
			return err
		}
		for _, m := range members {
			if err := relation.DropGeneration(ctx, tx, m.View); err != nil {
				return err
			}
		}
		return catalog.In(tx).DropSet(ctx, set)
	})
}

// beingAdded says of a view that exists already, and that nobody can see, what it is: one that somebody else is adding, or one
// that a process has left behind which has ended. That goes, and the decision can be made once more.
func (r *Runner) beingAdded(ctx context.Context, exists *catalog.ExistsError) error {
	set, pending, err := r.store.SetOf(ctx, exists.Name)
	if err != nil || !pending {
		return cmp.Or(err, error(exists))
	}
	if err := r.dropSet(ctx, set); err != nil {
		return err
	}
	if _, pending, err = r.store.SetOf(ctx, exists.Name); err != nil || !pending {
		return cmp.Or(err, errMoved)
	}
	return infra.Hinted(fmt.Errorf("view %s is being added by somebody else", exists.Name),
		"`cachectl locks` shows who is at it. It is there once its rows are.")
}

// dropSets drops what processes have left behind that have ended.
func (r *Runner) dropSets(ctx context.Context) {
	sets, err := r.store.LeftBehind(ctx, r.cfg.Silence)
	for _, set := range sets {
		err = errors.Join(err, r.dropSet(ctx, set))
	}
	if err != nil {
		r.cfg.Log.WarnContext(ctx, "what was left behind could not be dropped", infra.KeyError, redshift.Public(err), infra.KeyHint, infra.Hint(err))
	}
}
