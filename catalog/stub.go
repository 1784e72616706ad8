package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// Stub is what a refresh has to know of a view before it has its lock.
type Stub struct {
	ID      int32
	Timeout time.Duration
	Members []int32 // the ids of its group in order, or only its own
}

// errMadeMeanwhile is of a view that was not there a moment ago.
var errMadeMeanwhile = infra.Hinted(errors.New("it was made a moment ago"), "Try again.")

// Stub returns the stub of a view; a *NotFoundError when there is none of that name. It makes states again that are gone.
func (s Store) Stub(ctx context.Context, name Name) (stub Stub, err error) {
	var trap *string
	var lost bool
	err = s.db.QueryRow(ctx, `
		SELECT v.id, m.timeout, m.ids, m.lost, (`+sql.Traps+`)
		FROM redcache.defined v
		CROSS JOIN LATERAL (
		    SELECT least(greatest(coalesce(max(g.timeout), '1 hour'), '1 second'), '20 days') AS timeout, array_agg(g.id ORDER BY g.id) AS ids,
		           bool_or(s.view_id IS NULL) AS lost
		    FROM redcache.defined g
		    LEFT JOIN redcache.state s ON s.view_id = g.id
		    WHERE g.id = v.id OR (v.group_name <> '' AND g.group_name = v.group_name)
		) m
		WHERE v.schema_name = $1 AND v.view_name = $2`,
		name.Schema, name.View).Scan(&stub.ID, &stub.Timeout, &stub.Members, &lost, &trap)
	if errors.Is(err, pgx.ErrNoRows) {
		v, err := s.View(ctx, name)
		return stub, cmp.Or(err, v.CheckStored(), errMadeMeanwhile)
	}
	if err != nil {
		return stub, fmt.Errorf("look for view %s: %w", name, err)
	}
	if lost {
		if _, err := s.RestoreStates(ctx); err != nil {
			return stub, fmt.Errorf("look for view %s: %w", name, err)
		}
	}
	return stub, trapped(trap)
}
