package refresh

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/redshift"
)

// Links keeps the logins and addresses of links current; [access.Keeper] does, and says what each method promises.
type Links interface {
	// Ready is called before a session is opened, inside the transaction that reads and writes.
	Ready(ctx context.Context, l catalog.Link) error
	// Repair is called after an attempt that failed, between two transactions.
	Repair(ctx context.Context, l catalog.Link, since time.Time, cause error) (again bool, err error)
	// Open does all of it for a session that is no refresh's.
	Open(ctx context.Context, tx pgx.Tx, l catalog.Link, settings redshift.Settings) (*dblink.Session, error)
}

// asTheyAre leaves links alone.
type asTheyAre struct{}

func (asTheyAre) Ready(context.Context, catalog.Link) error { return nil }

func (asTheyAre) Repair(context.Context, catalog.Link, time.Time, error) (bool, error) {
	return false, nil
}

func (asTheyAre) Open(ctx context.Context, tx pgx.Tx, l catalog.Link, set redshift.Settings) (*dblink.Session, error) {
	return dblink.Open(ctx, tx, l.Server().Name, set)
}
