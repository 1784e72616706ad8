package access

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/redshift"
)

// openPatience is how long [Keeper.Open] may wait for a cluster: its caller's transaction is idle meanwhile.
const openPatience = 30 * time.Second

// Open makes the link ready and opens a session through it in tx, as [dblink.Open] does. When that fails, it has the
// link repaired and tries once more.
func (k *Keeper) Open(ctx context.Context, tx pgx.Tx, l catalog.Link, set redshift.Settings) (*dblink.Session, error) {
	var since time.Time
	if err := tx.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&since); err != nil {
		return nil, err
	}
	if err := k.Ready(ctx, l); err != nil {
		return nil, err
	}
	session, cause := dblink.Open(ctx, tx, l.Server().Name, set)
	if cause == nil {
		return session, nil
	}
	short, cancel := context.WithTimeout(ctx, openPatience)
	defer cancel()
	switch again, err := k.Repair(short, l, since, cause); {
	case err != nil:
		return nil, err
	case !again:
		return nil, cause
	}
	return dblink.Open(ctx, tx, l.Server().Name, set)
}
