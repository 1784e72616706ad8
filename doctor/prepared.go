package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/sql"
)

type preparation struct {
	GID   string `db:"gid"`
	Owner string
	Name  string
	Age   time.Duration
}

// examinePrepared looks for prepared transactions that somebody has forgotten: they hold views, survive restarts, and are
// no session's.
func examinePrepared(ctx context.Context, x *exam) ([]Check, error) {
	rows, err := x.tx.Query(ctx, sql.Prepared)
	if err != nil {
		return nil, fmt.Errorf("read prepared transactions: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[preparation])
	if err != nil {
		return nil, fmt.Errorf("read prepared transactions: %w", err)
	}
	var objections []Check
	for _, p := range found {
		if p.Age < x.cfg.Idle {
			continue
		}
		objections = append(objections, warn("prepared transaction "+sql.Literal(p.GID), fmt.Sprintf(
			"%s has prepared it %s ago, and it holds %s since: refreshes wait for it, and pg_stat_activity does not show it",
			p.Owner, brief(p.Age), p.Name), "ROLLBACK PREPARED "+sql.LiteralLine(p.GID)+"; in this database, as "+p.Owner+
			" or a superuser, if nobody is going to end it."))
	}
	return orOK(objections, cacheDatabase, "no prepared transaction holds a view"), nil
}
