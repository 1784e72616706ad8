package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
)

// Undo is what becomes of a view when readers go back to what they saw before a set.
type Undo struct {
	Name Name     `json:"name"`
	What UndoKind `json:"what"`
	// Definition is the one from before, of a view of which only that has changed.
	Definition *Definition `json:"definition,omitempty"`
}

// UndoKind is the kind of an [Undo].
type UndoKind string

// The kinds.
const (
	UndoDrop     UndoKind = "drop"     // the set has added it
	UndoPoint    UndoKind = "point"    // it shows the generation again that is kept
	UndoRedefine UndoKind = "redefine" // it has its definition again
	UndoNothing  UndoKind = "nothing"  // the set has dropped it, rows and all
)

// KeptSet is a set that readers can go back from.
type KeptSet struct {
	ID          int32
	PublishedAt time.Time
	KeptUntil   time.Time
	Undo        []Undo
}

// KeptSet returns a set that has taken effect, and what it was kept for; with zero, the last one that keeps any rows. An error
// says why there is none.
func (s Store) KeptSet(ctx context.Context, set int32) (k KeptSet, err error) {
	rows, err := collect[KeptSet](ctx, s.db, `
		SELECT s.id, s.published_at, s.published_at + s.keep AS kept_until, s.undo
		FROM redcache.set s
		WHERE s.published_at IS NOT NULL AND s.keep > '0'
		  AND (s.id = $1 OR $1 = 0 AND EXISTS (SELECT FROM redcache.generation g WHERE g.kept_by = s.id AND g.state = 'kept'))
		ORDER BY s.published_at DESC LIMIT 1`, set)
	switch {
	case err != nil:
		return k, fmt.Errorf("look for what is kept: %w", err)
	case len(rows) == 0 && set == 0:
		return k, infra.Hinted(errors.New("nothing is kept to go back to"), noWayBack)
	case len(rows) == 0:
		return k, infra.Hinted(fmt.Errorf("nothing is kept of what readers saw before set %d, or there is no such set", set), noWayBack)
	}
	return rows[0], nil
}

const noWayBack = "`cachectl apply` keeps what it replaces for as long as --keep says, until the same views change again. To have an " +
	"older definition back, apply the files that had it."

// NewSet is what is noted of a set when it begins.
type NewSet struct {
	Keep time.Duration // for how long what readers see now is kept, once it takes effect; zero: not at all
	Undo []Undo
}

// GoBack gives the generations that a set has replaced, and that are kept, to another set, as what that one is to show. Who
// may read stays as it is now: from whom a right was taken, he does not get it back. Nobody can go back from the first any more.
func (s Store) GoBack(ctx context.Context, from, by int32) error {
	_, err := s.db.Exec(ctx, `
		WITH ended AS (UPDATE redcache.set SET keep = '0' WHERE id = $1)
		UPDATE redcache.generation g
		SET state = 'filled', set_id = $2, kept_by = NULL,
		    definition = g.definition || pg_catalog.jsonb_build_object('grantees', coalesce(d.definition -> 'grantees', '[]'))
		FROM redcache.defined d
		WHERE g.kept_by = $1 AND g.state = 'kept' AND d.id = g.view_id`, from, by)
	if err != nil {
		return fmt.Errorf("go back from set %d: %w", from, err)
	}
	return nil
}

// Expire retires the generations that were kept for long enough, and returns the views that have some.
func (s Store) Expire(ctx context.Context) (views []Name, err error) {
	rows, err := s.db.Query(ctx, `
		WITH expired AS (
		    UPDATE redcache.generation g
		    SET state = 'retired'
		    WHERE g.state = 'kept'
		      AND NOT EXISTS (SELECT FROM redcache.set s WHERE s.id = g.kept_by AND s.published_at + s.keep > clock_timestamp())
		    RETURNING g.view_id
		)
		SELECT v.schema_name, v.view_name FROM redcache.view v WHERE v.id IN (SELECT e.view_id FROM expired e)`)
	if err == nil {
		views, err = pgx.CollectRows(rows, pgx.RowToStructByName[Name])
	}
	if err != nil {
		return nil, fmt.Errorf("retire what was kept: %w", err)
	}
	return views, nil
}
