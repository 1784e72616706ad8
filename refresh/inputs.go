package refresh

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
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
	if err := o.visitReferred(ctx, at); err != nil {
		return err
	}
	o.visited[name] = done
	if at >= 0 {
		o.sorted = append(o.sorted, o.decisions[at])
	}
	return nil
}

// visitReferred puts those before a decision that its checks refer to, where these do not read it: that is no circle of queries.
func (o *order) visitReferred(ctx context.Context, at int) error {
	if at < 0 {
		return nil
	}
	for _, other := range o.decisions[at].after.Referred() {
		visited, n := maps.Clone(o.visited), len(o.sorted)
		err := o.visit(ctx, other)
		if err != nil && !errors.As(err, new(*catalog.InvalidError)) {
			return err
		}
		if err != nil {
			o.visited, o.sorted = visited, o.sorted[:n]
		}
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
