package refresh

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/relation"
)

// checkStrangers looks before each refresh at what it would run: a name in a query may mean something else by now, and an older
// version may have let it in. A definition's first run goes by the rehearsal, since it may be what mends its indexes.
func (w *viewWork) checkStrangers(ctx context.Context) error {
	err := w.checkQuery(ctx)
	if r := w.condition.Relation(w.state.Loaded); err == nil && r != nil && r.Extended && !(w.newRelation && w.firstOfDefinition) {
		err = relation.CheckStrangers(ctx, w.at.tx, w.view.RelationSQL(r.Number))
	}
	if invalid, is := errors.AsType[*catalog.InvalidError](err); is {
		return infra.Hinted(fmt.Errorf("view %s: %w", w.view.Name, err), "Either "+invalid.Fix+": "+altering(w.view.Name)+
			" with another --query, or with all of its indexes anew, by --index.")
	}
	return err
}

// checkQuery has PostgreSQL say what the query of a local view comes to now, in a view that is taken back.
func (w *viewWork) checkQuery(ctx context.Context) error {
	if w.view.Kind != catalog.LocalSource {
		return nil
	}
	text, err := w.at.source.Select(w.query(""))
	if err != nil {
		return err
	}
	err = infra.InSavepoint(ctx, w.at.tx, func(nested pgx.Tx) error {
		create := []plan.Step{{Title: "analyse the query", SQL: "CREATE TEMPORARY VIEW redcache_output AS " + text}}
		if err := plan.Run(ctx, nested, create); err != nil {
			return err
		}
		if err := relation.CheckStrangers(ctx, nested, output); err != nil {
			return err
		}
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return nil
	}
	return err
}

// output is the view that is made of a query to look at it.
const output = "pg_temp.redcache_output"
