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
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// analyse has PostgreSQL say what a local query returns: it makes a view of it, over empty tables that stand for its inputs,
// and takes all of that back.
func analyse(ctx context.Context, tx pgx.Tx, c *decision, before []decision) error {
	err := infra.InSavepoint(ctx, tx, func(nested pgx.Tx) error {
		c.inputs = nil
		inputs, err := standIns(ctx, nested, c, before)
		if err != nil {
			return err
		}
		if err := makeOutput(ctx, nested, c.after.Source, inputs); err != nil {
			return err
		}
		if err := checkPhysical(ctx, nested, inputs); err != nil {
			return err
		}
		if c.after.Columns, err = outputs(ctx, nested); err != nil {
			return err
		}
		if err := checkCollations(ctx, nested, c.after.Definition); err != nil {
			return err
		}
		return errRehearsed
	})
	if !errors.Is(err, errRehearsed) {
		return explainAnalysis(ctx, tx, err, *c, before)
	}
	c.columns, err = c.after.DescribedColumns()
	return err
}

// makeOutput makes a view of a query over what stands for its inputs.
func makeOutput(ctx context.Context, tx pgx.Tx, source catalog.Source, inputs map[catalog.Name]string) error {
	const create = "CREATE TEMPORARY VIEW redcache_output AS "
	standIn := func(name catalog.Name) string { return sql.Ident("pg_temp", inputs[name]) }
	statement := create + source.Written(standIn)
	err := plan.Run(ctx, tx, []plan.Step{{Title: "analyse the query", SQL: statement}})
	if err == nil || !refusedBy(redshift.Here, err) {
		return err
	}
	placed := &placedError{at: redshift.NoPlace, err: err}
	if server, _ := errors.AsType[*pgconn.PgError](err); server.Position > 0 { // in characters
		sent := []rune(statement)
		at := len(string(sent[:min(int(server.Position)-1, len(sent))])) - len(create)
		placed.at = max(source.Place(standIn, at), redshift.NoPlace)
	}
	return placed
}

// explainAnalysis says of a query that PostgreSQL does not understand in which line that is, and what its inputs return.
func explainAnalysis(ctx context.Context, tx pgx.Tx, err error, c decision, before []decision) error {
	placed, refused := errors.AsType[*placedError](err)
	if !refused {
		return err
	}
	inputs := make([]string, 0, len(c.after.References))
	for _, name := range c.after.Inputs() {
		columns, unknown := c.columnsOf(ctx, tx, name, before)
		if unknown != nil {
			return err
		}
		inputs = append(inputs, name.String()+" ("+strings.Join(redshift.Names(columns), ", ")+")")
	}
	if placed.at != redshift.NoPlace {
		err = fmt.Errorf("line %d of its query: %w", 1+strings.Count(c.after.Query[:placed.at], "\n"), err)
	}
	return infra.Hinted(err, "Its inputs return "+infra.BoundedMessage(strings.Join(inputs, " and "))+".")
}

// SameDefinition says whether a definition that has not been described yet comes to the one that is in force.
func SameDefinition(is, to catalog.Definition) bool {
	if to.Kind == catalog.LocalSource && refer(&to.Source) != nil {
		return false
	}
	return is.Equal(to)
}

// refer finds the places where a local query names views.
func refer(source *catalog.Source) error {
	places, err := redshift.References(source.Query, "")
	if err != nil {
		return err
	}
	source.References = nil
	for _, place := range places {
		if place.Schema == "" {
			return &catalog.InvalidError{
				Problem: "its query names " + place.Name + " without a schema",
				Fix:     "write SCHEMA." + place.Name,
			}
		}
		source.References = append(source.References, catalog.Reference{
			Name: catalog.Name{Schema: place.Schema, View: place.Name}, From: place.From, To: place.To,
		})
	}
	if len(source.References) == 0 {
		return &catalog.InvalidError{
			Problem: "its query reads no view of the cache",
			Fix:     "name one as SCHEMA.NAME; or have the query run on Redshift: --source redshift and --link",
		}
	}
	return nil
}

// standIns makes an empty table for each input, as it is or as a decision makes it, and returns their names. It notes those
// that stay as they are.
func standIns(ctx context.Context, tx pgx.Tx, c *decision, decided []decision) (map[catalog.Name]string, error) {
	made := map[catalog.Name]string{}
	for i, name := range c.after.Inputs() {
		columns, err := c.columnsOf(ctx, tx, name, decided)
		if err != nil {
			return nil, err
		}
		made[name] = fmt.Sprintf("redcache_input_%d", i)
		text := fmt.Sprintf("CREATE TEMPORARY TABLE %s (%s)", made[name], relation.ColumnDefinitions(catalog.View{}, apply.Local(columns)))
		if err := plan.Run(ctx, tx, []plan.Step{{Title: "analyse the query", SQL: text}}); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (c *decision) columnsOf(ctx context.Context, tx pgx.Tx, name catalog.Name, decided []decision) ([]redshift.Column, error) {
	if at := slices.IndexFunc(decided, func(other decision) bool { return other.Name == name }); at >= 0 {
		if decided[at].Drop {
			return nil, &catalog.InvalidError{Problem: "its query reads " + name.String() + ", which is to be dropped"}
		}
		return decided[at].columns, nil
	}
	v, err := catalog.In(tx).View(ctx, name)
	if missing, is := errors.AsType[*catalog.NotFoundError](err); is && missing.Adding == nil {
		return nil, noInput(missing)
	}
	if err != nil {
		return nil, err
	}
	c.inputs = append(c.inputs, v)
	return v.DescribedColumns()
}

// noInput says of what is no view what to do: it may be written wrongly, or be a table of Redshift.
func noInput(missing *catalog.NotFoundError) error {
	fix := "a table of Redshift is read here through a view of its own, with a link; or the whole query runs there: " +
		"--source redshift and --link"
	if missing.Near != "" {
		fix = "did you mean " + missing.Near + "? Else: " + fix
	}
	return &catalog.InvalidError{Problem: "its query reads " + missing.Name + ", which is no view of the cache", Fix: fix}
}

// keptHere says of a query that reads what Redshift does not have whether the cache does.
func keptHere(ctx context.Context, tx pgx.Tx, query string, refused error) error {
	if !slices.Contains([]string{"42P01", "3F000"}, redshift.ServerCode(refused, redshift.There)) { // no such relation, no such schema
		return refused
	}
	if placed, is := errors.AsType[*placedError](refused); is && placed.condition {
		return refused
	}
	places, err := redshift.References(query, "")
	if err != nil {
		return refused
	}
	for _, place := range places {
		name := catalog.Name{Schema: place.Schema, View: place.Name}
		if _, err := catalog.In(tx).View(ctx, name); err == nil {
			return infra.Hinted(refused, name.String()+" is a view of the cache: choose --source cache, without --link, where all that the "+
				"query reads is there; or name the tables of Redshift that it is made of.")
		}
	}
	return refused
}

// outputs are the columns of the view that was made of a query. It must read nothing but the inputs, whatever our own look
// at its text has found.
func outputs(ctx context.Context, tx pgx.Tx) (columns []catalog.Column, err error) {
	var others []string
	err = tx.QueryRow(ctx, sql.OutputReads).Scan(&others)
	if err != nil {
		return nil, wrap(err, "look what the query reads")
	}
	if len(others) > 0 {
		slices.Sort(others)
		return nil, &catalog.InvalidError{
			Problem: "its query reads " + others[0] + ", which is no view of the cache",
			Fix:     "let it read cached views only, each by SCHEMA.NAME",
		}
	}
	if err := checkCalls(ctx, tx); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		SELECT a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)
		FROM pg_catalog.pg_attribute a
		WHERE a.attrelid = 'pg_temp.redcache_output'::regclass AND a.attnum > 0
		ORDER BY a.attnum`)
	if err != nil {
		return nil, wrap(err, "look what the query returns")
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (c catalog.Column, err error) {
		return c, row.Scan(&c.Name, &c.Local)
	})
}

// checkPhysical refuses a query that uses what the tables of its inputs have beside their columns, or all of it as one value: that
// is of the generation, and another one has it otherwise.
func checkPhysical(ctx context.Context, tx pgx.Tx, inputs map[catalog.Name]string) error {
	var standIn, column, input string
	switch err := tx.QueryRow(ctx, sql.OutputPhysical).Scan(&standIn, &column); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return wrap(err, "look what the query uses of its inputs")
	}
	for name, made := range inputs {
		if made == standIn {
			input = name.String()
		}
	}
	if column == "" {
		return &catalog.InvalidError{
			Problem: "its query has a row of " + input + " as a value",
			Fix:     "name its columns, each by itself",
		}
	}
	return &catalog.InvalidError{
		Problem: "its query names " + column + " of " + input + ", which is a system column: each refresh of the input changes it",
		Fix:     "leave it out, or use a key",
	}
}

// checkCalls refuses a query that calls what may do more than compute: it would be run by the owner of the cache, each time.
func checkCalls(ctx context.Context, tx pgx.Tx) error {
	var name string
	switch err := tx.QueryRow(ctx, sql.OutputCalls).Scan(&name); {
	case errors.Is(err, pgx.ErrNoRows):
		return relation.CheckStrangers(ctx, tx, output)
	case err != nil:
		return wrap(err, "look what the query calls")
	case name == "":
		return &catalog.InvalidError{Problem: "its query locks rows, and a local view only reads", Fix: "leave FOR UPDATE or FOR SHARE out"}
	}
	return &catalog.InvalidError{
		Problem: "its query calls " + name + ", which is volatile: it may do something, or return something else each time",
		Fix:     "leave it out; what is of one moment, as now() is, may be called",
	}
}

// checkCollations refuses columns with a collation of their own where they are not kept: kept ones have none, and a published view
// cannot change from one to the other.
func checkCollations(ctx context.Context, tx pgx.Tx, d catalog.Definition) error {
	if !d.Rowless() {
		return nil
	}
	var column, collation string
	err := tx.QueryRow(ctx, `
		SELECT a.attname::text, c.collname::text
		FROM pg_catalog.pg_attribute a
		JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
		JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
		WHERE a.attrelid = 'pg_temp.redcache_output'::regclass AND a.attnum > 0 AND a.attcollation <> t.typcollation
		ORDER BY a.attnum LIMIT 1`).Scan(&column, &collation)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return wrap(err, "look what the query returns")
	}
	return &catalog.InvalidError{
		Problem: fmt.Sprintf("its column %s has collation %s, and columns of views have none of their own", column, sql.Ident(collation)),
		Fix:     "leave COLLATE out of what the query returns, and give it where the view is read; or choose a strategy that keeps rows",
	}
}
