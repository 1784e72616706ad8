package relation

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/plan"
)

// Mend mends a view in the transaction that changes its definition, and returns what it could not mend.
func (c Condition) Mend(ctx context.Context, tx pgx.Tx, p Patience, view catalog.Member) error {
	m, err := c.Mending(ctx, tx, view.View, view.State)
	if err != nil || len(m.Steps) == 0 {
		return err
	}
	return Mend(ctx, tx, p, view.View, m)
}

// Mend gives readers their view back, and remembers what is on it.
func Mend(ctx context.Context, tx pgx.Tx, p Patience, v catalog.View, m Mending) error {
	doing := "mend view " + v.Name.String()
	if len(v.Grantees) > 0 {
		if err := lock.Rights(ctx, tx); err != nil {
			return err
		}
	}
	err := Patiently(ctx, tx, p, doing, func(tx pgx.Tx, _ Try) error { return plan.Run(ctx, tx, m.Steps) })
	if err != nil {
		return ExplainPublish(v, fmt.Errorf("%s: %w", doing, err))
	}
	return catalog.In(tx).Remember(ctx, v.ID)
}
