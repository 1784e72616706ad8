package redshift

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// ColumnError says why a column of a query cannot become a column of the cache. [Describe] returns it.
type ColumnError struct {
	Column  string
	Problem string
	Fix     string // empty: it needs a name of its own
}

// Error implements error.
func (e *ColumnError) Error() string { return fmt.Sprintf("column %q %s", e.Column, e.Problem) }

// Hint says how to make the query cacheable.
func (e *ColumnError) Hint() string {
	return cmp.Or(e.Fix, "Give it a short name of its own in the query: expression AS name.")
}

// maxName is PostgreSQL's limit of a name, in bytes.
const maxName = 63

const (
	describeTable  = "redcache_describe"
	describeCreate = "CREATE TEMPORARY TABLE " + describeTable + " AS "
	describeDrop   = "DROP TABLE " + describeTable
	// describeRead runs on the leader alone and needs nothing that 8.0 lacks.
	describeRead = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute " +
		"WHERE attrelid = '" + describeTable + "'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)

// Describe returns the columns of a query without reading its rows: Redshift makes an empty temporary table from it
// and says what that has become. The error is a [*QueryError], a [*ColumnError], an [*UnmappedTypeError], or what the
// remote said.
func Describe(ctx context.Context, s Describer, query string) ([]Column, error) {
	columns, err := told(ctx, s, query)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range columns {
		if err := columns[i].check(seen); err != nil {
			return nil, err
		}
		seen[columns[i].Name] = true
	}
	if err := checkCase(ctx, s, columns); err != nil {
		return nil, err
	}
	return columns, leaveUntyped(ctx, s, query, columns)
}

// told returns the columns as Redshift tells them, without their types here.
func told(ctx context.Context, s Describer, query string) ([]Column, error) {
	if err := CheckQuery(query); err != nil {
		return nil, err
	}
	if err := s.Exec(ctx, describeCreate+Limited(query, 0)); err != nil {
		return nil, duplicateColumn(err)
	}
	found, err := s.Rows(ctx, describeRead, 2)
	if err != nil {
		return nil, err
	}
	if err := s.Exec(ctx, describeDrop); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &ColumnError{Problem: "is missing: the query returns none"}
	}
	columns := make([]Column, len(found))
	for i, row := range found {
		columns[i] = Column{Name: deref(row[0]), RemoteType: deref(row[1])}
	}
	return columns, nil
}

// systemColumns are the names that no table here can have as a column of its own, nor one of Redshift's.
var systemColumns = wordSet(`oid tableoid xmin cmin xmax cmax ctid`)

// check refuses a column that has no name to go by, and finds its type.
func (c *Column) check(seen map[string]bool) (err error) {
	switch {
	case c.Name == unnamed || c.Name == "":
		return &ColumnError{Column: c.Name, Problem: "has no name"}
	case len(c.Name) > maxName:
		return &ColumnError{Column: c.Name, Problem: fmt.Sprintf("has a name of %d bytes, PostgreSQL keeps %d", len(c.Name), maxName)}
	case seen[c.Name]:
		return &ColumnError{Column: c.Name, Problem: "appears more than once"}
	case systemColumns[c.Name] && c.Name != "oid":
		return &ColumnError{Column: c.Name, Problem: isSystems}
	}
	c.Type, err = Map(Unsized(c.RemoteType))
	if unmapped := (*UnmappedTypeError)(nil); errors.As(err, &unmapped) {
		unmapped.Column = c.Name
	}
	return err
}

// checkCase refuses names with capitals that the session cannot ask for: Redshift folds quoted names too, unless it is told
// otherwise, but tells the names of tables that were made so.
func checkCase(ctx context.Context, s Source, columns []Column) error {
	i := slices.IndexFunc(columns, func(c Column) bool { return foldName(c.Name) != c.Name })
	if i < 0 {
		return nil
	}
	kept, err := s.Rows(ctx, "SHOW enable_case_sensitive_identifier", 1)
	if ctx.Err() != nil || err == nil && len(kept) == 1 && deref(kept[0][0]) != "off" {
		return ctx.Err()
	}
	return &ColumnError{
		Column: columns[i].Name, Problem: "has capitals, which Redshift does not find: it reads a quoted name as lower case, too",
		Fix: "Give the table's columns other names in the query, FROM … AS t (a, b, c), which names them in their order; or have Redshift " +
			"keep capitals for the link's user: ALTER USER … SET enable_case_sensitive_identifier TO true.",
	}
}

const (
	codeDuplicateColumn = "42701"
	unnamed             = "?column?" // what Redshift calls it
	isSystems           = "has the name of a system column"
)

// duplicateColumn turns the remote's refusal of a column's name into a ColumnError.
func duplicateColumn(err error) error {
	var remote *pgconn.PgError
	if !errors.As(err, &remote) || remote.Code != codeDuplicateColumn {
		return err
	}
	switch name := firstQuoted(remote.Message); {
	case name == unnamed:
		return &ColumnError{Column: name, Problem: "has no name"}
	case systemColumns[name]:
		return &ColumnError{Column: name, Problem: isSystems}
	default:
		return &ColumnError{Column: name, Problem: "appears more than once"}
	}
}

// Names are the names of columns.
func Names(columns []Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}
