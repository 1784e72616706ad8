package dblink

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// ColumnError says why a column of a query cannot become a column of the cache. [Session.Describe] returns it.
type ColumnError struct {
	Column  string
	Problem string
}

// Error implements error.
func (e *ColumnError) Error() string { return fmt.Sprintf("column %q %s", e.Column, e.Problem) }

// Hint says how to make the query cacheable.
func (e *ColumnError) Hint() string {
	return "Give it a short name of its own in the query: expression AS name."
}

const (
	describeTable = "redcache_describe"
	describeDrop  = "DROP TABLE " + describeTable
	// describeRead runs on the leader alone and needs nothing that 8.0 lacks.
	describeRead = "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute " +
		"WHERE attrelid = '" + describeTable + "'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)

// Describe returns the columns of a query without reading its rows: Redshift makes an empty temporary table from it
// and says what that has become. The error is a [*QueryError], a [*ColumnError], an [*UnmappedTypeError], or what the
// remote said.
func (s *Session) Describe(ctx context.Context, query string) ([]Column, error) {
	columns, err := s.describe(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("describe query on link %s: %w", s.server, err)
	}
	return columns, nil
}

func (s *Session) describe(ctx context.Context, query string) ([]Column, error) {
	if err := CheckQuery(query); err != nil {
		return nil, err
	}
	create := "CREATE TEMPORARY TABLE " + describeTable + " AS " + Limited(query, 0)
	if err := s.exec(ctx, create); err != nil {
		return nil, duplicateColumn(err)
	}
	found, err := s.rows(ctx, describeRead, 2)
	if err != nil {
		return nil, err
	}
	if err := s.exec(ctx, describeDrop); err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &ColumnError{Problem: "is missing: the query returns none"}
	}
	columns := make([]Column, len(found))
	seen := map[string]bool{}
	for i, row := range found {
		c := Column{Name: deref(row[0]), RemoteType: deref(row[1])}
		if err := c.check(seen); err != nil {
			return nil, err
		}
		columns[i], seen[c.Name] = c, true
	}
	return columns, s.leaveUntyped(ctx, query, columns)
}

// check refuses a column that has no name to go by, and finds its type.
func (c *Column) check(seen map[string]bool) (err error) {
	switch {
	case c.Name == "?column?" || c.Name == "":
		return &ColumnError{c.Name, "has no name"}
	case len(c.Name) > maxIdent:
		return &ColumnError{c.Name, fmt.Sprintf("has a name of %d bytes, PostgreSQL keeps %d", len(c.Name), maxIdent)}
	case seen[c.Name]:
		return &ColumnError{c.Name, "appears more than once"}
	}
	c.Type, err = Map(Unsized(c.RemoteType))
	if unmapped := (*UnmappedTypeError)(nil); errors.As(err, &unmapped) {
		unmapped.Column = c.Name
	}
	return err
}

const codeDuplicateColumn = "42701"

// duplicateColumn turns the remote's refusal of two columns of one name into a ColumnError.
func duplicateColumn(err error) error {
	var remote *pgconn.PgError
	if !errors.As(err, &remote) || remote.Code != codeDuplicateColumn {
		return err
	}
	name := firstQuoted(remote.Message)
	if name == "?column?" {
		return &ColumnError{name, "has no name"}
	}
	return &ColumnError{name, "appears more than once"}
}
