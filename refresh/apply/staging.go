package apply

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// staging holds what was read, for as long as the transaction. It is the session's own: nobody waits for it, nothing of
// it is logged, and it goes with the transaction, however that ends.
const staging = `pg_temp."redcache_staging"`

// stage reads the rows for which the condition holds into the staging table. A transaction may do so for several views, so
// what is there goes first.
func (t Target) stage(ctx context.Context, tx pgx.Tx, where string) (read.Loaded, error) {
	if err := plan.Run(ctx, tx, t.stageSteps()); err != nil {
		return read.Loaded{}, err
	}
	return t.load(ctx, tx, where, staging)
}

func (t Target) stageSteps() []plan.Step {
	return []plan.Step{
		{Title: "drop staging table", SQL: "DROP TABLE IF EXISTS " + staging},
		{Title: "create staging table", SQL: fmt.Sprintf("CREATE TEMPORARY TABLE %s (%s) ON COMMIT DROP",
			strings.TrimPrefix(staging, "pg_temp."), relation.ColumnDefinitions(t.View, Local(t.columns())))},
	}
}
