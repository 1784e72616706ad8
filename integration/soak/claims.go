package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// holdAsOf wants everything that was committed before a copy's as-of to be in it. Rows that are the same in later versions may
// be of these.
func (h *history) holdAsOf(after []copied, version int, did happened) error {
	for _, c := range after {
		at, query := version, queryIndex(c.def)
		for rows := digest(h.versions[at].rows[query]); at < did.to && digest(h.versions[at+1].rows[query]) == rows; {
			at++
		}
		if at >= did.to {
			continue
		}
		if next := h.versions[at+1].committed; c.asOf.After(next) {
			return differs("%s claims to be as of %s, and lacks what was committed by %s", c.def.Name,
				c.asOf.Format("15:04:05.000000"), next.Format("15:04:05.000000"))
		}
	}
	return nil
}

// holdDefinitions wants an alteration that failed to have changed nothing, and one that succeeded to have done what it was
// told.
func holdDefinitions(u *unit, before, after []copied, did happened) error {
	if did.faults || did.tried == nil {
		return nil
	}
	for _, r := range did.results {
		for i := range after {
			want := did.tried[i].def
			if r.err != nil {
				want = before[i].def
			}
			if is := after[i].def; r.altered && describe(is) != describe(want) {
				return differs("%s: %v; %s is defined as %s, want %s", r.what, r.err, u.names[i], describe(is), describe(want))
			}
		}
	}
	return nil
}

// withRuns adds to a difference what the history says of the last runs of the views.
func (h *history) withRuns(ctx context.Context, after []copied, err error) error {
	var d *differenceError
	if !errors.As(err, &d) {
		return err
	}
	for _, c := range after {
		d.rows = append(d.rows, h.lastRuns(ctx, c)...)
	}
	return err
}

// lastRuns is what the history says of a view's last runs.
func (h *history) lastRuns(ctx context.Context, c copied) []string {
	rows, err := h.pair.admin.Query(ctx, `SELECT concat_ws(' ', 'run', id, strategy, state, 'whole', whole, 'as of', as_of, reason, error)
		FROM redcache.run WHERE view_id = $1 ORDER BY id DESC LIMIT 4`, c.def.ID)
	if err != nil {
		return []string{err.Error()}
	}
	runs, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return []string{err.Error()}
	}
	return runs
}
