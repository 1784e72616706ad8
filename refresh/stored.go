package refresh

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/sql"
)

// stored is a row of the catalog as SQL: its columns, and a literal for each.
type stored struct{ columns, literals []string }

// storedView reads the row that has a view's definition.
func storedView(ctx context.Context, tx pgx.Tx, viewID int32) (s stored, err error) {
	rows, err := tx.Query(ctx, `
		SELECT a.attname::text FROM pg_catalog.pg_attribute a
		WHERE a.attrelid = 'redcache.view'::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
		  AND a.attname NOT IN ('id', 'created_at', 'changed_at')
		ORDER BY a.attnum`)
	if err == nil {
		s.columns, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		return s, fmt.Errorf("read columns of the catalog: %w", err)
	}
	values := make([]string, len(s.columns))
	for i, name := range s.columns {
		values[i] = "pg_catalog.quote_nullable(v." + sql.Ident(name) + "::text)"
	}
	err = tx.QueryRow(ctx, "SELECT ARRAY["+strings.Join(values, ", ")+"] FROM redcache.view v WHERE v.id = $1", viewID).Scan(&s.literals)
	return s, wrap(err, "read definition of view "+strconv.Itoa(int(viewID)))
}

// changeSteps is what makes one row of the other, as it would be written by hand; none when they are alike.
func changeSteps(viewID int32, before, after stored) []Step {
	var set []string
	for i, name := range after.columns {
		if before.literals[i] != after.literals[i] {
			set = append(set, sql.Ident(name)+" = "+after.literals[i])
		}
	}
	if len(set) == 0 {
		return nil
	}
	return []Step{{
		Title: "store the definition", SQL: fmt.Sprintf("UPDATE redcache.view SET %s WHERE id = %d", strings.Join(set, ", "), viewID),
	}}
}
