package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/redcache/redcache/sql"
)

// Claim is a due view for which a message is on its way.
type Claim struct {
	Due
	Until time.Time `db:"queued_until"` // when the message seems to be lost; no two claims of a view have the same
}

// Claim returns at most limit due views for which no message is on its way, and notes that one is now, for at most the
// time of hold. No two callers get the same view. Of each link it returns what its slots can work off within ahead, going
// by how long the views took last, and at least one view for each slot, what others have claimed included.
//
// A claim ends by [Store.Unclaim], or after hold.
func (s Store) Claim(ctx context.Context, limit int, hold, ahead time.Duration) ([]Claim, error) {
	claims, err := collect[Claim](ctx, s.db, sql.Claim, []int32{}, limit, true, hold, ahead)
	if err != nil {
		return nil, fmt.Errorf("claim due views: %w", err)
	}
	return claims, nil
}

// Unclaim notes that these messages are not on their way any more. Claims that have ended, or were made since by others,
// stay as they are.
func (s Store) Unclaim(ctx context.Context, claims ...Claim) error {
	schemas, names := make([]string, len(claims)), make([]string, len(claims))
	until := make([]time.Time, len(claims))
	for i, c := range claims {
		schemas[i], names[i], until[i] = c.Schema, c.View, c.Until
	}
	_, err := s.db.Exec(ctx, `
		UPDATE redcache.state s
		SET queued_until = NULL
		FROM redcache.view v
		JOIN unnest($1::text[], $2::text[], $3::timestamptz[]) AS n(schema_name, view_name, until)
		    USING (schema_name, view_name)
		WHERE s.view_id = v.id AND s.queued_until = n.until`, schemas, names, until)
	if err != nil {
		return fmt.Errorf("end claims: %w", err)
	}
	return nil
}
