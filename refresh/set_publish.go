package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// publish has the set take effect, once no transaction is left that would see anything of it empty. Two that grant rights on
// one schema, for instance, get in each other's way: then it tries again.
func (s *set) publish(ctx context.Context) error {
	var unseen error
	if slices.ContainsFunc(s.units, func(u unit) bool { return !u.frozen }) {
		s.say(Publishing)
		unseen = s.await(ctx)
		if unseen != nil && !errors.As(unseen, new(*stillReadError)) {
			return s.about(ctx, s.changes(), unseen)
		}
	}
	commits := commits{runner: s.runner}
	for n := 1; ; n++ {
		err := infra.InTx(ctx, s.pool, infra.Limits{}, func(tx pgx.Tx) error { return s.publishIn(ctx, tx, unseen) })
		err = commits.after(ctx, err, s.published)
		if err == nil || n >= s.runner.cfg.Attempts || !retryable(err) || s.runner.cfg.Backoff.Wait(ctx, n) != nil {
			return s.about(ctx, s.changes(), err)
		}
	}
}

// await waits for transactions that are too old. The set's lock says meanwhile that somebody is still at it.
func (s *set) await(ctx context.Context) error {
	return infra.InTx(ctx, s.pool, infra.Limits{}, func(tx pgx.Tx) error {
		if err := lockSet(ctx, tx, s.id); err != nil {
			return err
		}
		err := s.runner.awaitOldTransactions(ctx, s.runner.cfg.Patience)
		if err == nil || errors.As(err, new(*stillReadError)) {
			err = errors.Join(err, catalog.In(s.pool).TouchSet(ctx, s.id, 0)) // by another connection: this one may be done with an error
		}
		return err
	})
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
		if !c.builds() {
			continue
		}
		noteStored(tx, c, pointStep)
		if !c.Add {
			if err := s.handOn(ctx, tx, c); err != nil {
				return c.about(err)
			}
		}
		stored = append(stored, c)
	}
	if unseen != nil {
		return s.handOver(ctx, tx, unseen)
	}
	err = s.show(ctx, tx, stored)
	if errors.As(err, new(*relation.StarvedError)) {
		return s.handOver(ctx, tx, err)
	}
	return err
}

// show has readers see the set, with what people have put on what they saw before.
func (s *set) show(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	switches, err := s.switches(ctx, tx, decisions, decision.builds, true)
	if err != nil {
		return err
	}
	if len(s.runs) > 0 {
		if err := s.runner.store.Touch(ctx, s.runs[0].Key()); err != nil { // which writes out what has been logged so far
			return err
		}
	}
	err = relation.Publish(ctx, tx, s.runner.ordinary(), switches, func(tx pgx.Tx, _ relation.Try) error {
		if err := forget(ctx, tx, decisions); err != nil {
			return err
		}
		return catalog.In(tx).PublishSet(ctx, s.id, len(switches.Switches))
	})
	if err == nil {
		s.noteOlder()
	}
	return err
}

// noteOlder notes of what readers see now that they had rows of a later moment before: it was refreshed while it was built.
func (s *set) noteOlder() {
	for i := range s.runs {
		run := &s.runs[i]
		for _, c := range s.decisions {
			before := c.before.State.AsOf
			if !c.builds() || c.Name != run.View || before == nil || run.AsOf == nil || !before.After(*run.AsOf) {
				continue
			}
			run.Note = fmt.Sprintf("readers see its rows as of %s, until the next refresh: those as of %s came, by the old definition, while "+
				"these were built", instant(*run.AsOf), instant(*before))
		}
	}
}

func instant(t time.Time) string { return t.UTC().Format("15:04:05.000 MST") }

// holdAgain takes the locks, and refuses to go on where somebody else has changed a definition since it was decided on. A
// refresh that is under way is waited for, however long it takes: what has been built may have taken longer.
func (s *set) holdAgain(ctx context.Context, tx pgx.Tx) error {
	if err := lockSet(ctx, tx, s.id); err != nil {
		return err
	}
	err := s.lock(ctx, tx, s.decisions, func(c decision) time.Duration { return c.before.View.Timeout + changePatience })
	if err != nil {
		return err
	}
	if err := s.lockShapes(ctx, tx, s.decisions); err != nil {
		return err
	}
	for i := range s.decisions {
		c := &s.decisions[i]
		if c.Add {
			continue
		}
		now, err := stateOf(ctx, tx, c.Name)
		switch {
		case errors.As(err, new(*catalog.NotFoundError)), err == nil && now.View.ID != c.before.View.ID:
			return &catalog.NotFoundError{Kind: "view", Name: c.Name.String(), Gone: true}
		case err == nil && c.moved(now):
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
		if c.builds() {
			if err := relation.CheckCarry(c.after, c.condition.Relation(now.State.Generation)); err != nil {
				return c.about(err)
			}
		}
	}
	if err := sameGroups(ctx, tx, s.decisions); err != nil {
		return infra.Hinted(fmt.Errorf("a view has joined a group of these: %w", err), "Nothing has changed. Try again.")
	}
	err = checkShapes(ctx, tx, s.decisions)
	if errors.Is(err, errMoved) {
		err = infra.Hinted(err, "Nothing has changed. Try again.")
	}
	return err
}

// handOver leaves it to the next refresh to show readers what a single view, or a single group, has got. Of more than that
// some would be shown earlier than others, so nothing takes effect.
func (s *set) handOver(ctx context.Context, tx pgx.Tx, why error) error {
	if len(s.units) != 1 || slices.ContainsFunc(s.decisions, func(c decision) bool { return !c.fills() }) {
		return why
	}
	end, cancel := recording(ctx)
	defer cancel()
	why = nameHolders(end, s.pool, why, namesOf(s.changes()))
	first := !slices.ContainsFunc(s.decisions, func(c decision) bool { return c.before.State.Generation != nil })
	s.runs[0].Note = waiting(first) + " until the next refresh: " + infra.Message(why)
	s.runner.cfg.Log.WarnContext(ctx, "new generation is not published yet",
		infra.KeyView, s.units[0].asked.String(), infra.KeyRun, s.runs[0].ID, infra.KeyError, redshift.Public(why))
	return catalog.In(tx).HandOver(ctx, s.id)
}

// published says whether the set has taken effect.
func (s *set) published(ctx context.Context) (bool, error) {
	return catalog.In(s.pool).TookEffect(ctx, s.id)
}
