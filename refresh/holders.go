package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// nameHolders adds to a wait for a lock that was in vain which prepared transactions hold cached views: no session shows
// them, so nobody would look for them.
func nameHolders(ctx context.Context, db catalog.DB, err error) error {
	if !errors.As(err, new(*relation.StarvedError)) && relation.SQLState(err) != relation.LockNotAvailable {
		return err
	}
	rows, readErr := db.Query(ctx, sql.Prepared)
	if readErr != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return err
	}
	var gid, owner, name string
	var age time.Duration
	if rows.Scan(&gid, &owner, &name, &age) != nil {
		return err
	}
	return infra.Hinted(
		fmt.Errorf("%w; prepared transaction %s of %s has held %s for %s", err, sql.Literal(gid), owner, name, age.Round(time.Second)),
		fmt.Sprintf("pg_stat_activity does not show it, pg_prepared_xacts does. If nobody is going to end it: ROLLBACK PREPARED %s; "+
			"in this database, as %s or a superuser.", sql.LiteralLine(gid), owner))
}
