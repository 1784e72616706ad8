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
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
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

// publish points the view at the generation that was just filled.
func (w *work) publish(ctx context.Context) error {
	if w.state.Generation != nil {
		return repoint(ctx, w.tx, w.view, w.columns)
	}
	if err := ensureSchema(ctx, w.tx, w.view); err != nil {
		return err
	}
	return explainPublish(w.view, runSteps(ctx, w.tx, publishSteps(w.view, w.view.Generation, w.columns)))
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
	return patiently(ctx, tx, shortLock, "publish view "+v.Name.String(), func(tx pgx.Tx) error {
		err := inSavepoint(ctx, tx, func(nested pgx.Tx) error { return runSteps(ctx, nested, replace) })
		if sqlState(err) == invalidTable {
			err = remake(ctx, tx, v, body)
		}
		if err == nil {
			err = runSteps(ctx, tx, grantSteps(v))
		}
		return explainPublish(v, err)
	})
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
