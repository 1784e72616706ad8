package redshift

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// ModifiedLag is how late Redshift may note a change. One revision of its documentation says about 5 minutes, another
// about 20.
const ModifiedLag = 20 * time.Minute

// UntrustedError says why it cannot be proved from the times that tables were modified that the result of a query is
// what it was. [LastModified] returns it.
type UntrustedError struct{ Reason string }

// Error implements error.
func (e *UntrustedError) Error() string { return "times of modification say nothing: " + e.Reason }

// LastModified returns a text that names the tables which a query, that [CheckQuery] accepted, reads and the times at which each was last modified
// and altered. Nothing is read but catalogs, so it takes the same time whatever the size of the tables.
//
// Equal texts mean that no change was noted between them. Redshift notes changes late, up to [ModifiedLag]. So let one
// text be taken before the rows were read, and a later one be equal to it, at the clock t: then whatever was committed
// before t minus the lag is in those rows. It had been noted by t, with a time of its own, and would have changed the
// text. Of the time since then nothing is known, so the as-of of the cache may move to t minus the lag and no further,
// never backwards. Texts that differ do not prove a change: what was committed just before the first may have been noted
// after it.
//
// The text is trusted only where all of this can be proved, else the error is an [*UntrustedError]:
//   - The query names every relation with its schema, and none with another database.
//   - SHOW TABLES shows each as a TABLE that has a time of modification, not as a view, which may read anything. It shows
//     what the current user may select from; clusters before it told the time show fewer columns.
//   - EXPLAIN scans these tables and nothing else: no catalog of the leader, no file, no function, and no materialized
//     view that Redshift puts in the place of the tables.
//
// What the text cannot tell is a change of what the user may see (row-level security, masking), or of what a query says
// by itself: ask [Volatile] first, and read in full now and then. Other errors are failures of the session. A statement
// that fails ends a snapshot, so ask before [Session.Begin].
func LastModified(ctx context.Context, src Source, query string) (string, error) {
	database, err := ask(ctx, src, "SELECT current_database()", 1)
	if err != nil {
		return "", err
	}
	found, err := sourcesOf(query, deref(database[0][0]))
	if err != nil {
		return "", err
	}
	if err := provePaths(ctx, src, found.paths); err != nil {
		return "", err
	}
	if err := provePlan(ctx, src, query, found); err != nil {
		return "", err
	}
	show := showTables{src: src, database: deref(database[0][0])}
	times := make([]string, len(found.relations))
	for i, table := range found.relations {
		if times[i], err = show.times(ctx, table); err != nil {
			return "", err
		}
	}
	slices.Sort(times)
	return strings.Join(times, "; "), nil
}

// provePlan makes sure that Redshift reads the tables and nothing else. Where a query is recursive it keeps rows in a table
// of its own; it shows beside that table what it reads to fill it.
func provePlan(ctx context.Context, src Source, query string, found sources) error {
	plan, err := ask(ctx, src, "EXPLAIN "+bare(query), 1)
	if err != nil {
		return err
	}
	names, err := scanned(plan)
	if err != nil {
		return err
	}
	own := found.recursive
	for _, table := range found.relations {
		own = own && slices.Contains(names, table.name)
	}
	for _, name := range names {
		named := slices.ContainsFunc(found.relations, func(r relation) bool { return r.name == name })
		if !named && !(own && strings.HasPrefix(name, temporaryTable)) {
			return untrusted("its plan scans %s, which the query does not name", name)
		}
	}
	return nil
}

// temporaryTable is how the name begins that Redshift gives to a table for the rows of a query that are used twice.
const temporaryTable = "volt_tt_"

// provePaths makes sure that what looks like a path into a value is no relation: no schema and no database goes by the
// name with which it begins.
func provePaths(ctx context.Context, src Source, paths []string) error {
	if len(paths) == 0 {
		return nil
	}
	names := make([]string, len(paths))
	for i, path := range paths {
		var err error
		if names[i], err = Literal(path); err != nil {
			return untrusted("%v", err)
		}
	}
	list := strings.Join(names, ", ")
	rows, err := ask(ctx, src, "SELECT nspname, nspname FROM pg_catalog.pg_namespace WHERE nspname IN ("+list+")"+
		" UNION ALL SELECT datname, datname FROM pg_catalog.pg_database WHERE datname IN ("+list+")", 2)
	if err != nil || len(rows) == 0 {
		return err
	}
	return untrusted("%[1]s is a schema or a database, and the query calls something else %[1]s", deref(rows[0][0]))
}

// ask reads rows. What Redshift refuses makes the answer untrusted; only a session that does not work is a failure.
func ask(ctx context.Context, src Source, sql string, n int) ([][]*string, error) {
	rows, err := src.Rows(ctx, sql, n)
	switch {
	case err != nil && Classify(err) == Never:
		what, _ := Explain(err)
		return nil, untrusted("Redshift does not tell: %s", what)
	case err != nil:
		return nil, fmt.Errorf("ask when tables were modified: %w", err)
	case len(rows) == 0 && n == 1:
		return nil, untrusted("Redshift does not tell")
	}
	return rows, nil
}

// What SHOW TABLES tells, by column. Later patches (about 197) add table_subtype at the end.
const (
	showName     = 2
	showType     = 3
	showAltered  = 7
	showModified = 8
	showWidth    = 10
)

// showTables asks SHOW TABLES, whose number of columns it learns.
type showTables struct {
	src      Source
	database string
	width    int // 0 until it is known
}

// times returns when a table was last modified and altered.
func (s *showTables) times(ctx context.Context, table relation) (string, error) {
	if strings.HasPrefix(table.schema, "pg_") || table.schema == "information_schema" {
		return "", untrusted("%s is a catalog", table)
	}
	rows, err := s.rows(ctx, table)
	if err != nil {
		return "", err
	}
	// The pattern may match other names: an underscore stands for any character.
	rows = slices.DeleteFunc(rows, func(row []*string) bool { return deref(row[showName]) != table.name })
	switch {
	case len(rows) != 1:
		return "", untrusted("SHOW TABLES does not show %s", table)
	case deref(rows[0][showType]) != "TABLE":
		return "", untrusted("%s is a %s, not a TABLE", table, deref(rows[0][showType]))
	case deref(rows[0][showModified]) == "":
		return "", untrusted("SHOW TABLES does not tell when %s was modified", table)
	}
	return fmt.Sprintf("%s modified %s altered %s",
		table, deref(rows[0][showModified]), deref(rows[0][showAltered])), nil
}

func (s *showTables) rows(ctx context.Context, table relation) (rows [][]*string, err error) {
	names, err := remoteIdents([]string{s.database, table.schema})
	if err != nil {
		return nil, untrusted("%v", err)
	}
	pattern, err := Literal(table.name)
	if err != nil {
		return nil, untrusted("%v", err)
	}
	sql := "SHOW TABLES FROM SCHEMA " + strings.Join(names, ".") + " LIKE " + pattern
	if s.width != 0 {
		return ask(ctx, s.src, sql, s.width)
	}
	s.width = showWidth + 1
	rows, err = ask(ctx, s.src, sql, s.width)
	if narrower := (*UntrustedError)(nil); errors.As(err, &narrower) {
		s.width = showWidth
		rows, err = ask(ctx, s.src, sql, s.width)
	}
	return rows, err
}
