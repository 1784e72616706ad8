package relation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// Switch is a view that is to show another generation, or that is to be made over its first one.
type Switch struct {
	View    catalog.View      // its Generation is the one that readers are to see
	Seen    *int32            // the one that they see; nil: there is none yet
	Below   *catalog.Relation // what has its rows; nil: nothing that could be found
	Columns []Column          // that readers are to see
	Carry   bool              // what people have put on the generation that readers see comes along

	// Published is the view as it was when readers were last looked to. [Publish] writes it.
	Published catalog.Published

	anew bool // its columns change, so that it has to be dropped and made again
}

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
		return then(tx, try)
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
		add(sw.View, RepointStep(sw.View, sw.Published.Decorations.Options, sw.View.Generation, names(sw.Columns)))
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
	return steps, nil
}

// look finds out what is on the view now, and on the generation that its readers see, and gives the new one what comes along.
// From then on until the try ends nobody can grant or revoke anything on what goes away by it.
func (sw *Switch) look(ctx context.Context, tx pgx.Tx) (err error) {
	if sw.Published, err = PublishedOf(ctx, tx, sw.View); err != nil {
		return err
	}
	sw.anew = sw.Seen != nil && sw.Published.AtHome && !replaceable(sw.Published.Decorations.Columns, sw.Columns)
	if held := sw.holdSteps(); len(held) > 0 {
		if err = plan.Run(ctx, tx, held); err != nil {
			return err
		}
		if sw.Published, err = PublishedOf(ctx, tx, sw.View); err != nil { // as it is since nobody can change it any more
			return err
		}
	}
	if !sw.Carry {
		return nil
	}
	steps, err := CarrySteps(ctx, tx, sw.View, sw.Published)
	if err != nil {
		return err
	}
	return plan.Run(ctx, tx, steps)
}

// holdSteps keep others from granting and revoking, and from putting policies on a table. Rights have no lock, but PostgreSQL
// keeps them in one row for an object and one for each column. To take from everybody what nobody can give him writes these
// rows as they are, and whoever else wants to write them has to wait for the end of the transaction.
func (sw *Switch) holdSteps() (steps []plan.Step) {
	const title = "hold what is to be carried over"
	hold := func(object string, grants []catalog.Grant, columns []catalog.DecoratedColumn) {
		if grants != nil {
			steps = append(steps, plan.Step{Title: title, SQL: "REVOKE GRANT OPTION FOR SELECT ON " + object + " FROM PUBLIC"})
		}
		for _, c := range columns {
			if len(c.Grants) > 0 {
				steps = append(steps, plan.Step{Title: title, SQL: fmt.Sprintf("REVOKE GRANT OPTION FOR SELECT (%s) ON %s FROM PUBLIC", sql.Ident(c.Name), object)})
			}
		}
	}
	if sw.anew && sw.Published.Owned {
		hold(sw.Published.At.SQL(), sw.Published.Decorations.Grants, sw.Published.Decorations.Columns)
	}
	if r, had := sw.Below, sw.Published.Below; sw.Carry && r != nil && had != nil && r.Owned {
		relation := sw.View.RelationSQL(r.Number)
		if r.Kind == "r" {
			steps = append(steps, plan.Step{Title: title, Lock: plan.AccessShare, SQL: "LOCK TABLE " + relation + " IN ACCESS SHARE MODE"})
		}
		hold(relation, had.Grants, had.Columns)
	}
	return steps
}

// replaceable says whether CREATE OR REPLACE VIEW takes columns for those that a view has: it only adds some at the end.
func replaceable(had []catalog.DecoratedColumn, columns []Column) bool {
	return len(had) <= len(columns) && slices.EqualFunc(had, columns[:len(had)], func(h catalog.DecoratedColumn, c Column) bool {
		return h.Name == c.Name && h.Type == c.Type
	})
}

// checkRemake refuses to make a view anew that has what no other view can be given.
func checkRemake(v catalog.View, had catalog.Decorations) error {
	var loses []string
	if grant := passedOn(had.Grants, had.Columns); grant != "" {
		loses = append(loses, grant)
	}
	if loses = append(loses, had.Fixed...); len(loses) == 0 {
		return nil
	}
	return infra.Hinted(fmt.Errorf("view %s: its columns change, so it has to be made anew, and would lose what cannot "+
		"be given to another one: %s", v.Name, strings.Join(loses, ", ")),
		"Take that from the view first, and put it on again afterwards; or keep the old columns in the query.")
}

// makeSteps make a view that is not there, or not any more. Readers see no moment without it: all is one transaction.
func (sw *Switch) makeSteps(ctx context.Context, tx pgx.Tx) ([]plan.Step, error) {
	v, p := sw.View, sw.Published
	switch {
	case sw.anew:
		more, err := decorate(ctx, tx, v, *p.Decorations, names(sw.Columns))
		return append([]plan.Step{createViewStep(v, p.Decorations.Options, v.Generation, names(sw.Columns))}, more...), err
	case sw.Seen != nil && p.AtHome:
		return nil, nil
	}
	if len(v.Grantees) > 0 {
		if err := lock.Rights(ctx, tx); err != nil {
			return nil, err
		}
	}
	if err := ensureSchema(ctx, tx, v, p); err != nil {
		return nil, err
	}
	return ViewSteps(ctx, tx, v, p.Remembered, v.Generation, names(sw.Columns))
}

// dropSteps drop what goes, and the views that are made anew, with the old generations of the set that read these.
func (s Set) dropSteps(ctx context.Context, tx pgx.Tx) (steps []viewStep, err error) {
	goes, old := map[uint32]viewStep{}, map[string]catalog.View{}
	for _, sw := range s.Switches {
		if sw.anew {
			goes[sw.Published.OID] = viewStep{DropStep(sw.Published.At), sw.View, false}
		}
		if sw.Seen != nil {
			old[sw.View.Relation(*sw.Seen)] = sw.View
		}
	}
	for _, d := range s.Drops {
		if d.Published.OID != 0 {
			goes[d.Published.OID] = viewStep{DropStep(d.Published.At), d.View, true}
		}
		for _, r := range d.Relations {
			if r.Kind == "r" || r.Kind == "m" {
				goes[r.OID] = viewStep{dropGeneration(d.View.Relation(r.Number), r.Kind == "m"), d.View, true}
			}
		}
	}
	if len(goes) == 0 {
		return nil, nil
	}
	found, err := catalog.In(tx).Above(ctx, slices.Collect(maps.Keys(goes)), slices.Collect(maps.Keys(old)))
	for _, r := range found {
		step, ours := goes[r.OID]
		if !ours {
			step = viewStep{dropGeneration(r.Name.View, r.Kind == "m"), old[r.Name.View], false}
		}
		steps = append(steps, step)
	}
	return steps, err
}

func dropGeneration(relation string, materialized bool) plan.Step {
	kind := "TABLE"
	if materialized {
		kind = "MATERIALIZED VIEW"
	}
	return plan.Step{Title: "drop generation", Lock: plan.AccessExclusive, SQL: "DROP " + kind + " " + sql.Ident(catalog.DataSchema, relation)}
}
