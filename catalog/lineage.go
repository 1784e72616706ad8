package catalog

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Lineages returns what is stored of the lineage of the views in force, by name. A view of which nobody has looked is not among them.
func (s Store) Lineages(ctx context.Context) (map[Name]json.RawMessage, error) {
	type row struct {
		Name
		Lineage json.RawMessage
	}
	rows, err := collect[row](ctx, s.db, `SELECT v.schema_name, v.view_name, g.lineage
		FROM redcache.view v
		JOIN redcache.generation g ON g.view_id = v.id AND g.number = v.generation
		WHERE g.lineage IS NOT NULL`)
	if err != nil {
		return nil, fmt.Errorf("read lineage: %w", err)
	}
	all := make(map[Name]json.RawMessage, len(rows))
	for _, r := range rows {
		all[r.Name] = r.Lineage
	}
	return all, nil
}

// KeepLineage stores what the columns of views in force come from, of those of which nothing is stored, and whose query is still
// what it was read from.
func (s Store) KeepLineage(ctx context.Context, v View, lineage json.RawMessage) error {
	_, err := s.db.Exec(ctx, `
		UPDATE redcache.generation g
		SET lineage = @lineage
		FROM redcache.view v
		WHERE v.id = @id AND g.view_id = v.id AND g.number = v.generation AND g.lineage IS NULL
		  AND g.columns = @columns::jsonb AND g.definition -> 'source' = @source::jsonb`,
		pgx.NamedArgs{"id": v.ID, "columns": v.Columns, "source": v.Source, "lineage": lineage})
	if err != nil {
		return fmt.Errorf("store lineage of view %s: %w", v.Name, err)
	}
	return nil
}
