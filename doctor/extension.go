package doctor

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/sql"
)

// stranger is a right to create in an extension's schema, or a function that stands in an extension's way.
type stranger struct {
	Schema   string
	Role     string // who may create, or who owns the function
	Function string // with its arguments; empty: a right
}

// examineStrangers looks for what others have made, or may make, in the schemas of the extensions: a function that fits
// a call better than the extension's own would run as whoever calls.
func examineStrangers(ctx context.Context, x *exam) ([]Check, error) {
	rows, err := x.tx.Query(ctx, sql.DoctorExtensions)
	if err != nil {
		return nil, fmt.Errorf("read rights on extensions: %w", err)
	}
	strangers, err := pgx.CollectRows(rows, pgx.RowToStructByName[stranger])
	if err != nil {
		return nil, fmt.Errorf("read rights on extensions: %w", err)
	}
	var objections []Check
	for _, s := range strangers {
		if s.Function == "" {
			objections = append(objections, warn("schema "+s.Schema, s.Role+" may create in it, and dblink or postgres_fdw "+
				"lives there: what is made there can be taken for theirs",
				fmt.Sprintf("REVOKE CREATE ON SCHEMA %s FROM %s;", sql.Pasted(s.Schema), sql.Pasted(s.Role))))
			continue
		}
		objections = append(objections, fail("function "+s.Function, fmt.Sprintf("it has the name of an extension's function, "+
			"and belongs to %s: whoever calls that one may get this one", s.Role),
			"DROP ROUTINE "+sql.Pasted(s.Function)+";"))
	}
	return orOK(objections, cacheDatabase, "nobody else makes anything where the extensions live"), nil
}
