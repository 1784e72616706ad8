package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/redcache/redcache/sql"
)

// Claim returns at most limit due views for which no message is on its way, and notes that one is now, for at most the
// time of hold. No two callers get the same view. Of each link it returns what its slots can work off within ahead, going
// by how long the views took last, and at least one view for each slot, what others have claimed included.
//
// A claim ends by [Store.Unclaim], or after hold, when the message seems to be lost.
func (s Store) Claim(ctx context.Context, limit int, hold, ahead time.Duration) ([]Due, error) {
	due, err := collect[Due](ctx, s.db, sql.Claim, []int32{}, limit, true, hold, ahead)
	if err != nil {
		return nil, fmt.Errorf("claim due views: %w", err)
	}
	return due, nil
}

// Unclaim notes that no message is on its way for the views. Those that do not exist (any more) are passed over.
func (s Store) Unclaim(ctx context.Context, views ...Name) error {
	schemas, names := make([]string, len(views)), make([]string, len(views))
	for i, view := range views {
		schemas[i], names[i] = view.Schema, view.View
	}
	_, err := s.db.Exec(ctx, `
		UPDATE redcache.state s
		SET queued_until = NULL
		FROM redcache.view v
		JOIN unnest($1::text[], $2::text[]) AS n(schema_name, view_name) USING (schema_name, view_name)
		WHERE s.view_id = v.id AND s.queued_until IS NOT NULL`, schemas, names)
	if err != nil {
		return fmt.Errorf("end claims: %w", err)
	}
	return nil
}
