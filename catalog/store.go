package catalog

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
)

// DB is a pool, a connection or a transaction.
type DB = infra.DB

// Store reads and writes the catalog through one DB. Each method is one statement, or several that the caller may
// want in one transaction; then the Store is made with In(tx).
type Store struct {
	db DB // what statements are sent through
	in DB // whose it is: a rehearsal of its own notes what is done
}

// In returns the store that works through db. Of a pool or a connection, each statement has a transaction of its own.
func In(db DB) Store { return Store{db: infra.Repeated(db), in: db} }

// violates says whether err is the violation of a named constraint.
func violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

// collect runs a query and reads all of its rows into structs by column name.
func collect[T any](ctx context.Context, db DB, query string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}
