package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/redcache/redcache/sql"
)

// MendClock makes views due whose state says something of the future that cannot be, as it was written while the clock of
// the cache database was ahead, and returns how many. No claim is longer than hold.
func (s Store) MendClock(ctx context.Context, hold time.Duration) (int64, error) {
	tag, err := s.db.Exec(ctx, sql.MendClock, hold)
	if err != nil {
		return 0, fmt.Errorf("look for states of the future: %w", err)
	}
	return tag.RowsAffected(), nil
}

// Ahead says whether the view's state was written while the clock of the database was ahead of what it is now. What it
// says of times proves nothing then.
func (s State) Ahead() bool {
	return s.AsOf != nil && s.AsOf.After(s.Now) || s.ReconciledAt != nil && s.ReconciledAt.After(s.Now)
}

// RestoreStates makes the states again that somebody has deleted, and returns how many. Their views count as never filled,
// and readers keep what they see until the next run has read everything.
func (s Store) RestoreStates(ctx context.Context) (int64, error) {
	tag, err := s.db.Exec(ctx, sql.RestoreStates)
	if err != nil {
		return 0, fmt.Errorf("make states again that are gone: %w", err)
	}
	return tag.RowsAffected(), nil
}
