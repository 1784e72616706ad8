package refresh

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// nameHolders adds to a wait for locks of views that was in vain who has them.
func nameHolders(ctx context.Context, db catalog.DB, err error, views []catalog.Name) error {
	if !errors.As(err, new(*relation.StarvedError)) && relation.SQLState(err) != relation.LockNotAvailable {
		return err
	}
	if named := namePrepared(ctx, db, err); named != nil {
		return named
	}
	return nameReaders(ctx, db, err, views)
}

// namePrepared names a prepared transaction that holds a view: no session shows it, so nobody would look for it. It returns nil
// when there is none.
func namePrepared(ctx context.Context, db catalog.DB, err error) error {
	rows, readErr := db.Query(ctx, sql.Prepared)
	if readErr != nil {
		return nil
	}
	defer rows.Close()
	if !rows.Next() {
		return nil
	}
	var gid, owner, name string
	var age time.Duration
	if rows.Scan(&gid, &owner, &name, &age) != nil {
		return nil
	}
	return infra.Hinted(
		fmt.Errorf("%w; prepared transaction %s of %s has held %s for %s", err, sql.Literal(gid), owner, name, age.Round(time.Second)),
		fmt.Sprintf("pg_stat_activity does not show it, pg_prepared_xacts does. If nobody is going to end it: ROLLBACK PREPARED %s; "+
			"in this database, as %s or a superuser.", sql.LiteralLine(gid), owner))
}

// nameReaders names the backends that use the views now, which need not be those that did.
func nameReaders(ctx context.Context, db catalog.DB, err error, views []catalog.Name) error {
	schemas, names := make([]string, len(views)), make([]string, len(views))
	for i, v := range views {
		schemas[i], names[i] = v.Schema, v.View
	}
	var pids []int32
	if db.QueryRow(ctx, sql.Readers, schemas, names).Scan(&pids) != nil || len(pids) == 0 {
		return err
	}
	return infra.Hinted(fmt.Errorf("%w; backends that use it now: %s", err, some(pids)), infra.Hint(err))
}

// some lists backends, but not all of very many.
func some(pids []int32) string {
	const most = 10
	var names []string
	for n, pid := range pids {
		if n == most {
			names = append(names, "…")
			break
		}
		names = append(names, fmt.Sprint(pid))
	}
	return strings.Join(names, ", ")
}
