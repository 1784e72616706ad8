package doctor

import (
	"context"
	"fmt"

	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/sql"
)

// examineLocks looks for sessions of others that hold locks of views and links. Everybody who may log in can take them.
func examineLocks(ctx context.Context, x *exam) ([]Check, error) {
	locks, err := lock.List(ctx, x.tx)
	if err != nil {
		return nil, err
	}
	var database string
	if err := x.tx.QueryRow(ctx, `SELECT pg_catalog.current_database()`).Scan(&database); err != nil {
		return nil, fmt.Errorf("read the name of the database: %w", err)
	}
	var objections []Check
	seen := map[int]bool{}
	for _, l := range locks {
		if !l.Strange || seen[l.PID] {
			continue
		}
		seen[l.PID] = true
		kept := "refreshes from running"
		if l.Kind == lock.KindSet {
			kept = "a change of definitions from taking effect, or what is left of one from being dropped"
		}
		objections = append(objections, fail("role "+l.User, fmt.Sprintf(
			"its session %d (%s) holds or waits for a lock of a %s, which keeps %s, and it is not Redcache's to take",
			l.PID, l.Application, l.Kind, kept), fmt.Sprintf("SELECT pg_catalog.pg_terminate_backend(%d); as that role, as a member of "+
			"pg_signal_backend or as a superuser. For good: REVOKE CONNECT ON DATABASE %s FROM %s; and from PUBLIC, if that has it.",
			l.PID, sql.Ident(database), sql.Ident(l.User))))
	}
	return orOK(objections, cacheDatabase, "no stranger holds a lock of a view or a link"), nil
}
