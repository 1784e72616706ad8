package relation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
)

// Set is what takes effect in one moment.
type Set struct {
	Switches []*Switch
	Drops    []Drop
	Waits    func() // told before each try but the first; may be nil
}

// Drop is a view that goes, wherever somebody may have moved it, with all its generations. What stands under its name
// instead stays.
type Drop struct {
	View      catalog.View
	Published catalog.Published
	Relations []catalog.Relation
}

// Publish has readers see all of a set at once, or nothing of it: it waits for the locks of all views together, for as long
// as one try may make new readers wait, and begins again when that was too short. What is on the views, and on what is below
// them, is looked at anew for each try. then runs in the same try, while readers wait: it is what the catalog says from then
// on, and had better be short.
//
// A view whose columns change is dropped and made again, with what it had, and so is, within the set, what reads it: old
// generations of other views. What else depends on it is a reason to refuse.
func Publish(ctx context.Context, tx pgx.Tx, p Patience, set Set, then func(tx pgx.Tx, try Try) error) error {
	err := Patiently(ctx, tx, p, set.doing(), func(tx pgx.Tx, try Try) error {
		if try.N > 1 && set.Waits != nil {
			set.Waits()
		}
		steps, err := set.prepare(ctx, tx)
		if err != nil {
			return err
		}
		if at, err := try.Run(ctx, tx, bare(steps)); err != nil {
			return steps[at].explain(err)
		}
		if err := then(tx, try); err != nil {
			return err
		}
		return checkMade(ctx, tx, set.Switches)
	})
	if errors.As(err, new(*StarvedError)) && plan.Rehearses(tx) { // then what takes the strong locks is not rehearsed
		steps, err := set.prepare(ctx, tx)
		if err != nil {
			return err
		}
		for _, step := range steps {
			plan.Sends(tx, step.Step)
		}
		return then(tx, Try{N: 1})
	}
	return err
}

// doing says what is kept from happening when readers leave no room for it.
func (s Set) doing() string {
	switch {
	case len(s.Switches) == 0 && len(s.Drops) == 1:
		return "drop view " + s.Drops[0].View.Name.String()
	case len(s.Switches) == 1 && len(s.Drops) == 0:
		return "publish view " + s.Switches[0].View.Name.String()
	case len(s.Switches) == 0:
		return fmt.Sprintf("drop %d views", len(s.Drops))
	}
	return fmt.Sprintf("publish view %s and %d others", s.Switches[0].View.Name, len(s.Switches)+len(s.Drops)-1)
}

// viewStep is a step, and the view that it is for.
type viewStep struct {
	plan.Step
	view  catalog.View
	drops bool // the view goes
}

func (s viewStep) explain(err error) error {
	if s.drops {
		return explainDrop(err)
	}
	return ExplainPublish(s.view, err)
}

func bare(steps []viewStep) []plan.Step {
	list := make([]plan.Step, len(steps))
	for i, step := range steps {
		list[i] = step.Step
	}
	return list
}

// prepare does what nobody has to wait for, and returns what takes the strong locks.
func (s Set) prepare(ctx context.Context, tx pgx.Tx) (steps []viewStep, err error) {
	add := func(v catalog.View, more ...plan.Step) {
		for _, step := range more {
			steps = append(steps, viewStep{step, v, false})
		}
	}
	for _, sw := range s.Switches {
		if err := sw.look(ctx, tx); err != nil {
			return nil, err
		}
		if sw.Seen == nil || !sw.Published.AtHome {
			continue
		}
		if sw.Published.Altered {
			return nil, AlteredError(sw.View)
		}
		if sw.anew {
			if err := checkRemake(sw.View, *sw.Published.Decorations); err != nil {
				return nil, err
			}
			continue
		}
		if sw.rowless == nil {
			add(sw.View, sw.repointStep())
		}
	}
	drops, err := s.dropSteps(ctx, tx)
	if err != nil {
		return nil, err
	}
	steps = append(steps, drops...)
	for _, sw := range s.Switches {
		more, err := sw.makeSteps(ctx, tx)
		if err != nil {
			return nil, ExplainPublish(sw.View, err)
		}
		add(sw.View, more...)
	}
	for _, sw := range s.Switches {
		add(sw.View, sw.letGoSteps()...)
	}
	return steps, nil
}

// dropSteps drop what goes, and the views that are made anew, with the old generations of the set that read these.
func (s Set) dropSteps(ctx context.Context, tx pgx.Tx) (steps []viewStep, err error) {
	goes, old := map[uint32]viewStep{}, map[string]*Switch{}
	for _, sw := range s.Switches {
		if sw.anew {
			goes[sw.Published.OID] = viewStep{DropStep(sw.Published.At), sw.View, false}
		}
		if sw.Seen != nil {
			old[sw.View.Relation(*sw.Seen)] = sw
		}
	}
	for _, d := range s.Drops {
		if d.Published.OID != 0 {
			goes[d.Published.OID] = viewStep{DropStep(d.Published.At), d.View, true}
		}
		for _, r := range d.Relations {
			if kindSQL[r.Kind] != "" {
				goes[r.OID] = viewStep{dropGeneration(d.View.Relation(r.Number), r.Kind), d.View, true}
			}
		}
	}
	if len(goes) == 0 {
		return nil, nil
	}
	found, err := catalog.In(tx).Above(ctx, slices.Collect(maps.Keys(goes)), slices.Collect(maps.Keys(old)))
	var emptied []viewStep
	for _, r := range found {
		step, ours := goes[r.OID]
		if !ours {
			sw := old[r.Name.View]
			for _, empty := range sw.emptySteps() {
				emptied = append(emptied, viewStep{empty, sw.View, false})
			}
			step = viewStep{dropGeneration(r.Name.View, r.Kind), sw.View, false}
			sw.let = true
		}
		steps = append(steps, step)
	}
	return append(emptied, steps...), err
}
