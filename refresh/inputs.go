package refresh

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// order puts decisions behind those on their inputs.
type order struct {
	tx        pgx.Tx
	decisions []decision
	visited   map[catalog.Name]visit
	sorted    []decision
}

type visit int

const (
	under visit = iota + 1 // on the way from it to what it reads
	done
)

// inOrder puts each decision behind those on its inputs. Views that read each other in a circle, with others that are there
// between them perhaps, are refused.
func inOrder(ctx context.Context, tx pgx.Tx, decisions []decision) ([]decision, error) {
	o := order{tx: tx, decisions: decisions, visited: map[catalog.Name]visit{}}
	for _, c := range decisions {
		if err := o.visit(ctx, c.Name); err != nil {
			return nil, c.about(err)
		}
	}
	return o.sorted, nil
}

func (o *order) visit(ctx context.Context, name catalog.Name) error {
	switch o.visited[name] {
	case under:
		return &catalog.InvalidError{
			Problem: "its query reads " + name.String() + ", which reads itself, through others perhaps",
			Fix:     "a view has to be there before what reads it",
		}
	case done:
		return nil
	}
	o.visited[name] = under
	at := slices.IndexFunc(o.decisions, func(c decision) bool { return c.Name == name })
	inputs, err := o.inputs(ctx, name, at)
	if err != nil {
		return err
	}
	for _, input := range inputs {
		if err := o.visit(ctx, input); err != nil {
			return err
		}
	}
	o.visited[name] = done
	if at >= 0 {
		o.sorted = append(o.sorted, o.decisions[at])
	}
	return nil
}

// inputs are those of a decision, or else of a view that is there. Who reads one that is not hears of it later.
func (o *order) inputs(ctx context.Context, name catalog.Name, at int) ([]catalog.Name, error) {
	if at >= 0 {
		return o.decisions[at].after.Inputs(), nil
	}
	v, err := catalog.In(o.tx).View(ctx, name)
	if _, missing := errors.AsType[*catalog.NotFoundError](err); missing {
		return nil, nil
	}
	return v.Inputs(), err
}

// checkReaders holds the views that are computed from others, and of which nobody has said anything, against what becomes
// of those: they have to return what they did.
func checkReaders(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	var names []catalog.Name
	for _, c := range decisions {
		if !c.Add && (c.Drop || !slices.Equal(c.after.Columns, c.before.View.Columns)) {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	readers, err := catalog.In(tx).Readers(ctx, names)
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
