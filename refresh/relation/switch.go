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
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/sql"
)

// Publish points a view at the generation of its definition, or makes it, with what it had if it was there before. It
// waits for readers as the transaction's limit says.
func Publish(
	ctx context.Context, tx pgx.Tx, v catalog.View, state catalog.State, p catalog.Published, columns []string,
) (err error) {
	if state.Generation != nil && p.AtHome {
		err = repoint(ctx, tx, v, p, columns)
	} else {
		err = makeView(ctx, tx, v, p, v.Generation, columns)
	}
	return ExplainPublish(v, err)
}

func PublishedOf(ctx context.Context, db catalog.DB, v catalog.View) (catalog.Published, error) {
	all, err := catalog.In(db).Published(ctx, &v.ID)
	return all[v.ID], err
}

// makeView makes a view that is not there, over a generation.
func makeView(
	ctx context.Context, tx pgx.Tx, v catalog.View, p catalog.Published, generation int32, columns []string,
) error {
	if len(v.Grantees) > 0 {
		if err := lock.Rights(ctx, tx); err != nil {
			return err
		}
	}
	if err := ensureSchema(ctx, tx, v, p); err != nil {
		return err
	}
	steps, err := ViewSteps(ctx, tx, v, p.Remembered, generation, columns)
	if err != nil {
		return err
	}
	return RunSteps(ctx, tx, steps)
}

// ViewSteps make a view with what it had when it was last seen; one that was never seen is for those whom its definition
// names.
func ViewSteps(
	ctx context.Context, db catalog.DB, v catalog.View, had *catalog.Decorations, generation int32, columns []string,
) ([]Step, error) {
	if had == nil {
		more, err := privileges(ctx, db, newObject{"r", v.Name.Schema, "", v.Name.SQL()}, nil)
		if err != nil {
			return nil, err
		}
		grants, err := GrantSteps(ctx, db, v, v.Grantees)
		steps := append([]Step{createViewStep(v, nil, generation, columns)}, more...)
		return append(steps, grants...), err
	}
	known, _, err := stillThere(ctx, db, *had)
	if err != nil {
		return nil, err
	}
	more, err := decorate(ctx, db, v, known, columns)
	return append([]Step{createViewStep(v, known.Options, generation, columns)}, more...), err
}

func createViewStep(v catalog.View, options []string, generation int32, columns []string) Step {
	return Step{"publish generation", "CREATE VIEW " + viewBody(v, options, generation, columns)}
}

func RepointStep(v catalog.View, options []string, generation int32, columns []string) Step {
	return Step{"publish generation", "CREATE OR REPLACE VIEW " + viewBody(v, options, generation, columns)}
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
	err = infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error { return RunSteps(ctx, nested, steps) })
	if state := SQLState(err); state == duplicateSchema || state == UniqueViolation {
		return nil
	}
	return err
}

// SchemaSteps make the view's schema; there are none when it exists.
func SchemaSteps(ctx context.Context, db catalog.DB, v catalog.View, p catalog.Published) ([]Step, error) {
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
	return append([]Step{{creatingSchema + v.Name.Schema, "CREATE SCHEMA " + name}}, more...), err
}

// repoint switches a view that readers use. The columns of the new generation may differ from the old one's; then
// the view is made anew, with what it had.
func repoint(ctx context.Context, tx pgx.Tx, v catalog.View, p catalog.Published, columns []string) error {
	if p.Altered {
		return AlteredError(v)
	}
	replace := []Step{RepointStep(v, p.Decorations.Options, v.Generation, columns)}
	err := infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error { return RunSteps(ctx, nested, replace) })
	if SQLState(err) == invalidTable {
		err = remake(ctx, tx, v, *p.Decorations, columns)
	}
	return err
}

// remake drops and creates the view. Readers wait for the lock as they would for a replacement, and see no moment
// without the view, since both happen in one transaction. What no other view can be given is a reason not to.
func remake(ctx context.Context, tx pgx.Tx, v catalog.View, had catalog.Decorations, columns []string) error {
	var loses []string
	if grant := passedOn(had.Grants, had.Columns); grant != "" {
		loses = append(loses, grant)
	}
	if loses = append(loses, had.Fixed...); len(loses) > 0 {
		return infra.Hinted(fmt.Errorf("view %s: its columns change, so it has to be made anew, and would lose what cannot "+
			"be given to another one: %s", v.Name, strings.Join(loses, ", ")),
			"Take that from the view first, and put it on again afterwards; or keep the old columns in the query.")
	}
	more, err := decorate(ctx, tx, v, had, columns)
	if err != nil {
		return err
	}
	steps := []Step{DropStep(v.Name), createViewStep(v, had.Options, v.Generation, columns)}
	return RunSteps(ctx, tx, append(steps, more...))
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
		if step, ok := errors.AsType[*StepError](err); ok && strings.HasPrefix(step.Title, creatingSchema) {
			return infra.Hinted(fmt.Errorf("view %s: %w", v.Name, err), fmt.Sprintf("Have the database's owner run: GRANT CREATE ON "+
				"DATABASE … TO the role of DATABASE_URL; or CREATE SCHEMA %s, and GRANT CREATE, USAGE on it.", sql.Ident(v.Name.Schema)))
		}
		return infra.Hinted(fmt.Errorf("view %s: %w", v.Name, err),
			fmt.Sprintf("Have the schema's owner run: GRANT CREATE, USAGE ON SCHEMA %s TO the role of DATABASE_URL.",
				sql.Ident(v.Name.Schema)))
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

func DropStep(name catalog.Name) Step { return Step{"drop view", "DROP VIEW " + name.SQL()} }
