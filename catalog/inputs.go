package catalog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// Input is a view that a local query reads, as it is in one moment.
type Input struct {
	Name
	Relation string     // of the generation, inside [DataSchema]
	AsOf     *time.Time // of its rows
	Known    bool       // there is such a view
	Rowless  bool       // it has no rows: whoever reads it reads what its own query reads
	Source   *Source    // by which it was made
}

// Inputs returns some views with the generations that a query reads: those that a set has built, and else those that
// readers see; of one without rows, those that its query reads as well. A *NotFoundError when there is no such view, and an
// error that says so when it has no rows yet.
func (s Store) Inputs(ctx context.Context, names []Name, set int32) (map[Name]Input, error) {
	inputs := map[Name]Input{}
	for len(names) > 0 {
		found, err := s.inputs(ctx, names, set)
		if err != nil {
			return nil, err
		}
		names = nil
		for _, input := range found {
			inputs[input.Name] = input
			if input.Rowless {
				names = append(names, input.Source.Inputs()...)
			}
		}
		names = slices.DeleteFunc(names, func(name Name) bool { return inputs[name].Known })
	}
	return inputs, nil
}

func (s Store) inputs(ctx context.Context, names []Name, set int32) ([]Input, error) {
	schemas, views := make([]string, len(names)), make([]string, len(names))
	for i, name := range names {
		schemas[i], views[i] = name.Schema, name.View
	}
	found, err := collect[Input](ctx, s.db, sql.Inputs, schemas, views, set)
	if err != nil {
		return nil, fmt.Errorf("look for inputs: %w", err)
	}
	for _, input := range found {
		switch {
		case !input.Known:
			return nil, s.missing(ctx, input.Name)
		case input.AsOf == nil && !input.Rowless:
			return nil, infra.Hinted(errors.New("its input "+input.Name.String()+" has no rows yet"), "Refresh the input first.")
		}
	}
	return found, nil
}

// Readers are the local views whose queries name any of these views, by name.
func (s Store) Readers(ctx context.Context, names []Name) ([]View, error) {
	if len(names) == 0 {
		return nil, nil
	}
	schemas, views := make([]string, len(names)), make([]string, len(names))
	for i, name := range names {
		schemas[i], views[i] = name.Schema, name.View
	}
	const ask = `
		SELECT v.schema_name, v.view_name
		FROM redcache.defined v
		WHERE v.definition #> '{source,references}' IS NOT NULL AND EXISTS (
		    SELECT
		    FROM pg_catalog.jsonb_array_elements(v.definition #> '{source,references}') r (item)
		    JOIN ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[])) n (schema_name, view_name)
		        ON n.schema_name = r.item #>> '{name,schema}' AND n.view_name = r.item #>> '{name,view}')
		ORDER BY 1, 2`
	found, err := collect[Name](ctx, s.db, ask, schemas, views)
	if err != nil {
		return nil, fmt.Errorf("look for views that are computed from others: %w", err)
	}
	readers := make([]View, len(found))
	for i, name := range found {
		if readers[i], err = s.View(ctx, name); err != nil {
			return nil, err
		}
	}
	return readers, nil
}

// Awaits says whether a local view has inputs that have not reached the label which it is to have next.
func (s Store) Awaits(ctx context.Context, v View) (awaits bool, err error) {
	if v.Kind != LocalSource {
		return false, nil
	}
	err = s.db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM redcache.awaited a WHERE a.view_id = $1)`, v.ID).Scan(&awaits)
	if err != nil {
		return false, fmt.Errorf("look what view %s waits for: %w", v.Name, err)
	}
	return awaits, nil
}
