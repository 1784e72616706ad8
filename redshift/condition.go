package redshift

import (
	"context"
	"fmt"
	"strings"

	"github.com/redcache/redcache/infra"
)

// ConditionError says why a query cannot say whether there is something to read. [DescribeCondition] and [AskCondition] return it.
type ConditionError struct{ Problem string }

// Error implements error.
func (e *ConditionError) Error() string { return e.Problem }

// Hint says what is wanted.
func (e *ConditionError) Hint() string {
	return "Give a SELECT that returns one row with one boolean column, as SELECT COUNT(*) > 0 FROM … does, or SELECT BOOL_AND(…) FROM …"
}

// DescribeCondition makes sure that a query returns one boolean column. Whether it returns one row, only its rows can tell. The error
// is a [*QueryError], a [*ConditionError], or what the remote said.
func DescribeCondition(ctx context.Context, s Describer, query string) error {
	columns, err := told(ctx, s, query)
	switch {
	case err != nil:
		return err
	case len(columns) > 1:
		return &ConditionError{fmt.Sprintf("it returns %d columns, and one is wanted", len(columns))}
	case columns[0].RemoteType != "boolean":
		return &ConditionError{"it returns a column of type " + infra.Bounded(columns[0].RemoteType) + ", and a boolean one is wanted"}
	}
	return nil
}

// AskCondition asks a query whether there is something to read. Where it does not say so, said is what it says instead: false, NULL or
// no row. Redshift itself refuses a column that is not boolean, which it may have become since it was described.
func AskCondition(ctx context.Context, s Source, query string) (ready bool, said string, err error) {
	if err := CheckQuery(query); err != nil {
		return false, "", err
	}
	rows, err := s.Rows(ctx, Over("CASE WHEN q.ready THEN 1 WHEN NOT q.ready THEN 0 END, q.*", query, " (ready) LIMIT 2"), 2)
	switch {
	case OtherWidth(err):
		return false, "", &ConditionError{"it returns more than one column"}
	case err != nil:
		return false, "", err
	case len(rows) > 1:
		return false, "", &ConditionError{"it returns more than one row"}
	case len(rows) == 0:
		return false, "no row", nil
	case rows[0][0] == nil:
		return false, "NULL", nil
	}
	return strings.TrimSpace(*rows[0][0]) == "1", "false", nil
}
