package plan

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Run runs statements in order. The text of a step may hold what a user wrote (an index expression), so each
// goes through the extended protocol, which takes one statement at a time.
func Run(ctx context.Context, tx pgx.Tx, steps []Step) error {
	for _, step := range steps {
		if !Sends(tx, step) {
			continue
		}
		rows, err := tx.Query(ctx, step.SQL, pgx.QueryExecModeExec)
		if err == nil {
			rows.Close()
			err = rows.Err()
		}
		if err != nil {
			return &StepError{step.Title, err}
		}
	}
	return nil
}
