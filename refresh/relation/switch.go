package relation

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

func PublishedOf(ctx context.Context, db catalog.DB, v catalog.View) (catalog.Published, error) {
	all, err := catalog.In(db).Published(ctx, &v.ID)
	return all[v.ID], err
}

// ViewSteps make a view with what it had when it was last seen; one that was never seen is for those whom its definition
// names.
func ViewSteps(
	ctx context.Context, db catalog.DB, v catalog.View, had *catalog.Decorations, generation int32, columns []string,
) ([]plan.Step, error) {
	if had == nil {
		more, err := privileges(ctx, db, newObject{"r", v.Name.Schema, "", v.Name.SQL()}, nil)
		if err != nil {
			return nil, err
		}
		grants, err := GrantSteps(ctx, db, v, v.Grantees)
		steps := append([]plan.Step{createViewStep(v, nil, generation, columns)}, more...)
		return append(steps, grants...), err
	}
	known, _, err := stillThere(ctx, db, *had)
	if err != nil {
		return nil, err
	}
	more, err := decorate(ctx, db, v, known, columns)
	return append([]plan.Step{createViewStep(v, known.Options, generation, columns)}, more...), err
}

func createViewStep(v catalog.View, options []string, generation int32, columns []string) plan.Step {
	return plan.Step{Title: "publish generation", SQL: "CREATE VIEW " + viewBody(v, options, generation, columns)}
}

func RepointStep(v catalog.View, options []string, generation int32, columns []string) plan.Step {
	return plan.Exclusively(plan.Step{Title: "publish generation", SQL: "CREATE OR REPLACE VIEW " + viewBody(v, options, generation, columns)})
}

func viewBody(v catalog.View, options []string, generation int32, columns []string) string {
	return fmt.Sprintf("%s%s AS SELECT %s FROM %s", v.Name.SQL(), optionsSQL(options), IdentList("", columns),
		v.RelationSQL(generation))
}

// ensureSchema makes the view's schema if there is none. Two refreshes may do so at once; the second then waits for
// the first and finds that the schema exists.
func ensureSchema(ctx context.Context, tx pgx.Tx, v catalog.View, p catalog.Published) error {
	steps, err := SchemaSteps(ctx, tx, v, p)
	if err != nil {
		return err
	}
	err = infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error { return plan.Run(ctx, nested, steps) })
	if state := SQLState(err); state == duplicateSchema || state == UniqueViolation {
		return nil
	}
	return err
}

// SchemaSteps make the view's schema; there are none when it exists.
func SchemaSteps(ctx context.Context, db catalog.DB, v catalog.View, p catalog.Published) ([]plan.Step, error) {
	if p.SchemaExists {
		return nil, nil
	}
	name := sql.Ident(v.Name.Schema)
	var had []catalog.Grant
	if p.Remembered != nil {
		known, _, err := stillThere(ctx, db, *p.Remembered)
		if err != nil {
			return nil, err
		}
		had = known.SchemaGrants
	}
	more, err := privileges(ctx, db, newObject{"n", "", "SCHEMA ", name}, had)
	return append([]plan.Step{{Title: creatingSchema + v.Name.Schema, SQL: "CREATE SCHEMA " + name}}, more...), err
}

func AlteredError(v catalog.View) error {
	return infra.Hinted(fmt.Errorf("view %s: somebody has changed its query, and a new generation would undo that", v.Name),
		fmt.Sprintf("Put the change into a view of your own over it; then DROP VIEW %s, and the next refresh makes it again, "+
			"with its grants.", v.Name.SQL()))
}

// creatingSchema begins the title of the step that makes the schema of a view.
const creatingSchema = "create schema "

// ExplainPublish says what to do about the objections that a user can meet.
func ExplainPublish(v catalog.View, err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case duplicateTable:
		return infra.Hinted(fmt.Errorf("view %s: a relation of that name exists: %w", v.Name, err),
			"Choose another name, or rename or drop the relation that has it.")
	case DependentObjects:
		return infra.Hinted(
			fmt.Errorf("view %s: its columns change, and other objects depend on it: %w", v.Name, err),
			"Drop these first and make them again afterwards, or keep the old columns in the query: "+
				OneLine(pg.Detail))
	case featureNotSupported:
		return infra.Hinted(fmt.Errorf("view %s: %w", v.Name, err), "Take off what the view cannot keep, for instance: ALTER VIEW "+
			v.Name.SQL()+" RESET (check_option);")
	case InsufficientRights:
		if step, ok := errors.AsType[*plan.StepError](err); ok && strings.HasPrefix(step.Title, creatingSchema) {
			return infra.Hinted(fmt.Errorf("view %s: %w", v.Name, err), fmt.Sprintf("Have the database's owner run: GRANT CREATE ON "+
				"DATABASE … TO the role of DATABASE_URL; or CREATE SCHEMA %s, and GRANT CREATE, USAGE on it.", sql.Ident(v.Name.Schema)))
		}
		return infra.Hinted(fmt.Errorf("view %s: %w", v.Name, err),
			fmt.Sprintf("Have the schema's owner run: GRANT CREATE, USAGE ON SCHEMA %s TO the role of DATABASE_URL.",
				sql.Ident(v.Name.Schema)))
	}
	return err
}

// explainDrop names what depends on a view that is to be dropped.
func explainDrop(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case DependentObjects:
		return infra.Hinted(err, "Drop these first: "+OneLine(pg.Detail))
	case InsufficientRights:
		return infra.Hinted(err, "Somebody else owns it by now. As that role, or as a superuser: ALTER … OWNER TO the role of "+
			"DATABASE_URL; then drop the view again.")
	}
	return err
}

func SQLState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// OneLine puts the objects that PostgreSQL lists on one line, with the names as they can be pasted.
func OneLine(detail string) string { return strings.ReplaceAll(sql.Pasted(detail), "\n", "; ") }

// DropStep drops a view.
func DropStep(name catalog.Name) plan.Step {
	return plan.Exclusively(plan.Step{Title: "drop view", SQL: "DROP VIEW " + name.SQL()})
}
