package refresh

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
)

// The objections of Postgres that publishing knows an answer to.
const (
	duplicateSchema    = "42P06"
	duplicateTable     = "42P07"
	invalidTable       = "42P16" // CREATE OR REPLACE VIEW cannot drop, rename or retype columns
	dependentObjects   = "2BP01"
	undefinedObject    = "42704"
	insufficientRights = "42501"
)

// publish points the views at what was just filled, where that can be done in this transaction, and records the runs.
// It is the last that the transaction does: from the moment when it has the locks, readers wait for its commit.
func (j *job) publish(ctx context.Context, a *attempt) error {
	var fresh []*work
	together := true // a group is published as one, or not yet
	for _, w := range j.works {
		w.published = w.seen()
		if !w.published {
			fresh = append(fresh, w)
			together = together && w.safeToPublish()
		}
	}
	if len(fresh) == 0 || !together {
		return j.record(ctx, j.tx, a)
	}
	for _, w := range fresh {
		w.published = true
	}
	if err := a.flush(ctx); err != nil {
		return err
	}
	started := time.Now()
	err := patiently(ctx, j.tx, patience{shortLock / time.Duration(len(fresh)), shortLock, j.patience(a, fresh)},
		"publish view "+fresh[0].view.Name.String(), func(tx pgx.Tx, tries int) error {
			if tries > 1 {
				a.tell(Publishing)
				for _, w := range fresh {
					w.waited = time.Since(started)
				}
			}
			for _, w := range fresh {
				if err := publish(ctx, tx, w.view, w.state, w.columns); err != nil {
					return err
				}
			}
			return j.record(ctx, tx, a)
		})
	if starved := (*starvedError)(nil); errors.As(err, &starved) && canMerge(fresh) {
		return j.mergeInstead(ctx, a, fresh, starved, time.Since(started))
	}
	return err
}

// flush makes this database write out what the transaction has logged so far: the commit of another transaction does
// so, of the one that says that the run goes on. The commit that readers wait for then has little left to write.
func (a *attempt) flush(ctx context.Context) error {
	return a.runner.store.Touch(ctx, a.members[0].runID)
}

func (j *job) patience(a *attempt, fresh []*work) time.Duration {
	if canMerge(fresh) {
		return a.runner.cfg.SwitchPatience
	}
	return a.runner.cfg.Patience
}

// canMerge says whether there is another way than a switch: what readers see now was built by the same definition as what
// is to replace it.
func canMerge(fresh []*work) bool {
	return !slices.ContainsFunc(fresh, func(w *work) bool {
		seen := w.state.Generation
		return seen == nil || *seen < w.view.FirstGeneration || w.view.Materialized() || len(w.view.Key) == 0
	})
}

const mergedInstead = "merged, not swapped: "

// mergeInstead writes into the generations that readers see what the new ones have, and drops these.
func (j *job) mergeInstead(ctx context.Context, a *attempt, fresh []*work, starved *starvedError, waited time.Duration) error {
	for _, w := range fresh {
		w.waited = waited
		w.remark(mergedInstead + starved.Error())
		if err := w.mergeBack(ctx, w.tx); err != nil {
			return err
		}
	}
	return j.record(ctx, j.tx, a)
}

// mergeBack turns a new generation, filled and not seen by anybody, into changes of the one that readers see.
func (w *work) mergeBack(ctx context.Context, tx pgx.Tx) error {
	from := w.relation()
	w.view.Generation = *w.state.Generation
	w.strategy, w.published, w.fresh = catalog.Merge, true, false
	if err := w.merge(ctx, from, w.relation(), &w.outcome); err != nil {
		return err
	}
	return runSteps(ctx, tx, []Step{{"drop generation", "DROP TABLE " + from}})
}

// publish points a view at the generation of its definition, or makes it. It waits for readers as the transaction's
// limit says.
func publish(ctx context.Context, tx pgx.Tx, v catalog.View, state catalog.State, columns []dblink.Column) error {
	if state.Generation != nil {
		return repoint(ctx, tx, v, columns)
	}
	if len(v.Grantees) > 0 {
		if err := lock.Rights(ctx, tx); err != nil {
			return err
		}
	}
	if err := ensureSchema(ctx, tx, v); err != nil {
		return err
	}
	return explainPublish(v, runSteps(ctx, tx, publishSteps(v, v.Generation, columns)))
}

// ensureSchema makes the view's schema if there is none. Two refreshes may do so at once; the second then waits for
// the first and finds that the schema exists.
func ensureSchema(ctx context.Context, tx pgx.Tx, v catalog.View) error {
	steps, err := schemaSteps(ctx, tx, v)
	if err != nil {
		return err
	}
	err = inSavepoint(ctx, tx, func(nested pgx.Tx) error { return runSteps(ctx, nested, steps) })
	if state := sqlState(err); state == duplicateSchema || state == uniqueViolation {
		return nil
	}
	return err
}

// schemaSteps make the view's schema; there are none when it exists.
func schemaSteps(ctx context.Context, tx pgx.Tx, v catalog.View) ([]Step, error) {
	var exists bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)`,
		v.Name.Schema).Scan(&exists)
	if err != nil || exists {
		return nil, wrap(err, "look for schema "+v.Name.Schema)
	}
	return []Step{{"create schema " + v.Name.Schema, "CREATE SCHEMA " + dblink.Ident(v.Name.Schema)}}, nil
}

// repoint switches a view that readers use. The columns of the new generation may differ from the old one's; then
// the view is made anew, with the grants and the comment that it had.
func repoint(ctx context.Context, tx pgx.Tx, v catalog.View, columns []dblink.Column) error {
	body := viewBody(v, v.Generation, columns)
	replace := []Step{repointStep(v, v.Generation, columns)}
	err := inSavepoint(ctx, tx, func(nested pgx.Tx) error { return runSteps(ctx, nested, replace) })
	if sqlState(err) == invalidTable {
		err = remake(ctx, tx, v, body)
	}
	return explainPublish(v, err)
}

func repointStep(v catalog.View, generation int32, columns []dblink.Column) Step {
	return Step{"publish generation", "CREATE OR REPLACE VIEW " + viewBody(v, generation, columns)}
}

// remake drops and creates the view. Readers wait for the lock as they would for a replacement, and see no moment
// without the view, since both happen in one transaction.
func remake(ctx context.Context, tx pgx.Tx, v catalog.View, body string) error {
	keep, err := decorations(ctx, tx, v)
	if err != nil {
		return err
	}
	steps := []Step{
		{"drop view", "DROP VIEW " + v.Name.SQL()},
		{"publish generation", "CREATE VIEW " + body},
	}
	return runSteps(ctx, tx, append(steps, keep...))
}

// decorations returns the statements that give a view the grants and the comment that it has now.
func decorations(ctx context.Context, tx pgx.Tx, v catalog.View) ([]Step, error) {
	rows, err := tx.Query(ctx, `
		SELECT a.privilege_type, a.is_grantable, coalesce(r.rolname, ''), pg_catalog.obj_description(c.oid, 'pg_class')
		FROM pg_catalog.pg_class c
		LEFT JOIN LATERAL pg_catalog.aclexplode(c.relacl) a ON a.grantee <> c.relowner
		LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
		WHERE c.oid = $1::text::regclass`, v.Name.SQL())
	if err != nil {
		return nil, fmt.Errorf("read grants on view %s: %w", v.Name, err)
	}
	var steps []Step
	var privilege, comment *string
	var grantable *bool
	var role string
	_, err = pgx.ForEachRow(rows, []any{&privilege, &grantable, &role, &comment}, func() error {
		if privilege == nil {
			return nil
		}
		grant := fmt.Sprintf("GRANT %s ON %s TO %s", *privilege, v.Name.SQL(), granteeSQL(role))
		if grantable != nil && *grantable {
			grant += " WITH GRANT OPTION"
		}
		steps = append(steps, Step{"restore grant", grant})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read grants on view %s: %w", v.Name, err)
	}
	if comment != nil {
		steps = append(steps, Step{"restore comment", fmt.Sprintf("COMMENT ON VIEW %s IS %s",
			v.Name.SQL(), dblink.Literal(*comment))})
	}
	return steps, nil
}

// regrant lets the grantees of one definition read a published view, instead of those of another.
func regrant(ctx context.Context, tx pgx.Tx, state catalog.State, from, to catalog.View) error {
	if state.Generation == nil {
		return nil
	}
	gone := slices.DeleteFunc(slices.Clone(from.Grantees), func(role string) bool {
		return slices.Contains(to.Grantees, role)
	})
	var exist []string // what was granted to a role went with it; the owner's own rights stay
	err := tx.QueryRow(ctx, `
		SELECT coalesce(array_agg(g), '{}') FROM unnest($1::text[]) g
		WHERE lower(g) = 'public' OR g <> current_user AND EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = g)`, gone).Scan(&exist)
	if err != nil {
		return fmt.Errorf("look for roles: %w", err)
	}
	var steps []Step
	for _, role := range exist {
		steps = append(steps, Step{
			"let " + role + " no longer read the view",
			"REVOKE SELECT ON " + to.Name.SQL() + " FROM " + roleSQL(role),
		})
	}
	return explainPublish(to, runSteps(ctx, tx, append(steps, grantSteps(to)...)))
}

// granteeSQL quotes the role of an existing grant; the nameless one is PUBLIC.
func granteeSQL(role string) string {
	if role == "" {
		return "PUBLIC"
	}
	return dblink.Ident(role)
}

// explainPublish says what to do about the objections that a user can meet.
func explainPublish(v catalog.View, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case duplicateTable:
		return infra.Hinted(fmt.Errorf("view %s: a relation of that name exists: %w", v.Name, err),
			"Choose another name, or rename or drop the relation that has it.")
	case dependentObjects:
		return infra.Hinted(
			fmt.Errorf("view %s: its columns change, and other objects depend on it: %w", v.Name, err),
			"Drop these first and make them again afterwards, or keep the old columns in the query: "+
				strings.ReplaceAll(pg.Detail, "\n", "; "))
	case undefinedObject:
		return infra.Hinted(fmt.Errorf("view %s: %w", v.Name, err), "Create the role first, or leave out its --grant.")
	case insufficientRights:
		return infra.Hinted(fmt.Errorf("view %s: %w", v.Name, err),
			fmt.Sprintf("Have the schema's owner run: GRANT CREATE, USAGE ON SCHEMA %s TO the role of DATABASE_URL.",
				dblink.Ident(v.Name.Schema)))
	}
	return err
}

func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
