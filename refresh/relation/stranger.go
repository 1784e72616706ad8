package relation

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/sql"
)

// CheckStrangers refuses a relation whose query, columns or indexes have the owner of the cache run what a stranger has written,
// or may write yet: whoever owns a type can give it checks and casts at any time.
func CheckStrangers(ctx context.Context, db catalog.DB, relation string) error {
	var whose, what, owner string
	switch err := db.QueryRow(ctx, sql.Strangers, relation).Scan(&whose, &what, &owner); {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look whose functions and types %s uses: %w", relation, err)
	}
	return &catalog.InvalidError{
		Problem: fmt.Sprintf("%s uses %s, which belongs to role %s of the cache database: what is in it would run as the owner of the cache",
			whose, what, owner),
		Fix: "have that owned by the role of DATABASE_URL, or leave it out",
	}
}
