package refresh

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/refresh/relation"
)

// What a local view is computed from must not go, or change, between the look at it and the commit that goes by that look.
// Whoever decides on a local view, and whoever shows one, shares the locks of its inputs' shapes; whoever takes something away
// has that lock alone. Each looks once more when he has it, so the second of two sees what the first has done.

// lockShapes takes these locks, behind those of the views, in the order in which everybody does.
func (d *Definer) lockShapes(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	alone := map[int32]bool{}
	for _, c := range decisions {
		for _, input := range c.inputs {
			alone[input.ID] = false
		}
		if c.reshapes() {
			alone[c.id()] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(alone)) {
		taken, err := lock.Shape(ctx, tx, id, alone[id], 0)
		if err == nil && !taken {
			d.say(Locking)
			taken, err = lock.Shape(ctx, tx, id, alone[id], changePatience)
		}
		if err != nil {
			return err
		}
		if !taken {
			return infra.Hinted(errors.New("somebody else is changing what it is computed from, or what is computed from it"),
				"Nothing has changed. Try again when that has ended: `cachectl status` shows what is being changed.")
		}
	}
	return nil
}

// checkShapes looks once more whether all fits together, now that it stays so; errMoved when an input is another one by now, or
// returns something else.
func checkShapes(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	looked := map[catalog.Name]catalog.View{}
	for _, c := range decisions {
		for _, input := range c.inputs {
			now, done := looked[input.Name]
			if !done {
				var err error
				now, err = catalog.In(tx).View(ctx, input.Name)
				if err != nil && !errors.As(err, new(*catalog.NotFoundError)) {
					return c.about(err)
				}
				looked[input.Name] = now
			}
			if now.ID != input.ID || !slices.Equal(now.Columns, input.Columns) {
				return c.about(wrap(errMoved, "its input "+input.Name.String()))
			}
		}
	}
	switch along, err := withRowless(ctx, tx, slices.Clone(decisions)); {
	case err != nil:
		return err
	case len(along) > len(decisions):
		return wrap(errMoved, along[len(decisions)].Name.String()+", which is made over what changes")
	}
	return checkReaders(ctx, tx, decisions)
}

// checkReaders holds the views that are computed from others, and of which nobody has said anything, against what becomes
// of those: they have to return what they did.
func checkReaders(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	readers, err := catalog.In(tx).Readers(ctx, reshaped(decisions))
	if err != nil {
		return err
	}
	for _, v := range readers {
		if slices.ContainsFunc(decisions, func(c decision) bool { return c.Name == v.Name }) {
			continue
		}
		if err := checkReader(ctx, tx, v, decisions); err != nil {
			return decisions[slices.IndexFunc(decisions, func(c decision) bool { return slices.Contains(v.Inputs(), c.Name) })].about(err)
		}
	}
	return nil
}

func checkReader(ctx context.Context, tx pgx.Tx, v catalog.View, decisions []decision) error {
	if slices.ContainsFunc(decisions, func(c decision) bool { return c.Drop && slices.Contains(v.Inputs(), c.Name) }) {
		return infra.Hinted(errors.New(v.Name.String()+" is computed from it"), "Drop that one first, or have it read something else.")
	}
	again := decision{Change: Change{Name: v.Name}, after: v}
	err := analyse(ctx, tx, &again, decisions)
	if err != nil {
		return infra.Hinted(wrap(err, v.Name.String()+" is computed from it"), "Drop or change that one first, or both at once.")
	}
	if !slices.Equal(again.after.Columns, v.Columns) {
		return infra.Hinted(errors.New(v.Name.String()+" is computed from it, and would return other columns"),
			"Change both at once, from a directory of files.")
	}
	return nil
}

// withRowless adds the views that are made over others which return something else from now on: these may have to be made anew.
func withRowless(ctx context.Context, tx pgx.Tx, decisions []decision) ([]decision, error) {
	remade := slices.DeleteFunc(slices.Clone(decisions), func(c decision) bool { return c.Drop || !c.rebuilds })
	readers, err := catalog.In(tx).Readers(ctx, reshaped(remade))
	if err != nil {
		return nil, err
	}
	for _, v := range slices.DeleteFunc(readers, func(v catalog.View) bool { return !v.Rowless() }) {
		for _, c := range remade {
			if !c.builds() && slices.Contains(v.Inputs(), c.Name) {
				return nil, c.about(infra.Hinted(errors.New(v.Name.String()+" is made over it, and has to be made anew with it"),
					"Leave --no-data out."))
			}
		}
		if slices.ContainsFunc(decisions, func(c decision) bool { return c.Name == v.Name }) {
			continue
		}
		along := decision{Change: Change{Name: v.Name}, rebuilds: true, along: true}
		if along.before, err = stateOf(ctx, tx, v.Name); err != nil {
			return nil, err
		}
		along.after = along.before.View
		err := analyse(ctx, tx, &along, decisions)
		if err == nil {
			err = along.checkShown(ctx, tx, decisions)
		}
		if err != nil {
			return nil, along.about(err)
		}
		decisions = append(decisions, along)
	}
	return decisions, nil
}

// reshaped are the views of which what is computed from them has to fit something else, or nothing.
func reshaped(decisions []decision) (names []catalog.Name) {
	for _, c := range decisions {
		if c.reshapes() {
			names = append(names, c.Name)
		}
	}
	return names
}

// checkShown refuses to make a view over what readers do not see.
func (c decision) checkShown(ctx context.Context, tx pgx.Tx, decided []decision) error {
	var names []catalog.Name
	for _, input := range c.after.Inputs() {
		at := slices.IndexFunc(decided, func(other decision) bool { return other.Name == input })
		if at < 0 || !decided[at].builds() && !decided[at].Add {
			names = append(names, input)
		} else if !decided[at].builds() {
			return infra.Hinted(errors.New("its input "+input.String()+" has no rows yet"), "Fill the input first.")
		}
	}
	if _, err := catalog.In(tx).Inputs(ctx, names, 0); err != nil {
		return err
	}
	return relation.CheckInputs(ctx, tx, c.after, names)
}
