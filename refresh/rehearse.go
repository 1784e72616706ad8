package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// rehearse does all that a set comes to, with empty generations, and takes it back. What Postgres objects to (an index
// expression, a role, a name that is taken, what depends on a view) comes to light before anything is built.
func (d *Definer) rehearse(ctx context.Context, tx pgx.Tx, s *set) error {
	if !slices.ContainsFunc(s.decisions, func(c decision) bool { return c.rebuilds }) {
		return nil
	}
	err := infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error {
		stored, err := s.inForce(ctx, nested)
		if err != nil {
			return err
		}
		for _, c := range stored {
			if c.rebuilds && !c.after.Rowless() { // else it is made when readers see it
				if err := d.rehearseBuild(ctx, nested, c); err != nil {
					return c.about(err)
				}
			}
		}
		set, err := d.switches(ctx, nested, stored, func(c decision) bool { return c.rebuilds }, false)
		if err != nil {
			return err
		}
		return relation.Publish(ctx, nested, d.runner.ordinary(), set, func(pgx.Tx, relation.Try) error { return errRehearsed })
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// inForce puts all of a set in force, as its publication will.
func (s *set) inForce(ctx context.Context, tx pgx.Tx) ([]decision, error) {
	if s.id == 0 {
		return s.decisions, nil // they are
	}
	if err := catalog.In(tx).HandOver(ctx, s.id); err != nil {
		return nil, err
	}
	if _, err := s.put(ctx, tx, slices.DeleteFunc(slices.Clone(s.decisions), decision.builds)); err != nil {
		return nil, err
	}
	for _, c := range s.decisions {
		if c.builds() && !c.Add {
			if err := s.handOn(ctx, tx, c); err != nil {
				return nil, c.about(err)
			}
		}
	}
	return s.decisions, checkGroups(ctx, tx, s.decisions)
}

// rehearseBuild makes the generation that a decision asks for, without rows.
func (d *Definer) rehearseBuild(ctx context.Context, tx pgx.Tx, c decision) error {
	selectSQL := ""
	if c.after.Kind == catalog.RemoteSource {
		query := read.Query{Text: c.after.Query, Columns: c.columns, NulBytes: c.after.NulBytes}
		var err error
		if selectSQL, err = read.SelectThrough(c.schema, c.after.Link, query); err != nil {
			return err
		}
	}
	steps := append(relation.BuildSteps(c.after, c.after.Generation, apply.Local(c.columns), selectSQL),
		relation.IndexSteps(c.after, c.after.Generation)...)
	if err := plan.Run(ctx, tx, steps); err != nil {
		return explainBuild(err)
	}
	if err := relation.CheckStrangers(ctx, tx, c.after.RelationSQL(c.after.Generation)); err != nil {
		return err
	}
	return rehearseCarry(ctx, tx, c.after)
}

// rehearseCarry holds what people have put on the generation that readers see against a new one: a policy may need a
// column that it does not have.
func rehearseCarry(ctx context.Context, tx pgx.Tx, v catalog.View) error {
	p, err := relation.PublishedOf(ctx, tx, v)
	if err != nil {
		return err
	}
	steps, err := relation.CarrySteps(ctx, tx, v, p)
	if err == nil {
		err = plan.Run(ctx, tx, steps)
	}
	const notUnderstood = "42" // a policy asks for a column that is not there, say; anything else is not the policy's fault
	if strings.HasPrefix(relation.SQLState(err), notUnderstood) {
		return infra.Hinted(fmt.Errorf("view %s: the new generation cannot have what is on the old one: %w", v.Name, err),
			"Change or take off what people have put on the old generation, which doctor and \\d+ show.")
	}
	return err
}

// explainBuild says what to do about a definition that Postgres refuses.
func explainBuild(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch {
	case strings.Contains(err.Error(), "create index") && pg.Code == "42703":
		return infra.Hinted(err, "The query has no such column. Give the view's indexes again, all of them, with --index; or "+
			"keep the column in the query.")
	case strings.Contains(err.Error(), "create index"):
		return infra.Hinted(err, `An --index is what stands between the parentheses of CREATE INDEX, like "region, sold_at DESC", `+
			`or begins with USING: "USING gin (tags)".`)
	case pg.Code == relation.TooManyColumns:
		return infra.Hinted(err, "PostgreSQL has 1600 columns for a table, and a materialized view with a key takes one of them: leave "+
			"a column out of the query, or choose strategy swap, merge or incremental.")
	case pg.Code == relation.InsufficientRights:
		return infra.Hinted(err, "`cachectl init` must be run by the role of DATABASE_URL, which owns schema redcache_data.")
	}
	return err
}
