package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/redcache/redcache/sql"
)

// Habits are what recent refreshes of a view were like.
type Habits struct {
	Merges  int           // refreshes that compared
	Changed float64       // share of the rows that these changed, 0 to 1
	Waited  time.Duration // the longest wait of a switch for readers
}

// Habits returns what the last 20 whole refreshes of a view were like.
func (s Store) Habits(ctx context.Context, v View) (h Habits, err error) {
	err = s.db.QueryRow(ctx, sql.Habits, v.ID).Scan(&h.Merges, &h.Changed, &h.Waited)
	if err != nil {
		return h, fmt.Errorf("read recent runs of view %s: %w", v.Name, err)
	}
	return h, nil
}

// TailRows returns how many rows past the watermark the last 20 refreshes of a view that read only those have read, on
// average; 0 when there was none.
func (s Store) TailRows(ctx context.Context, v View) (rows int, err error) {
	err = s.db.QueryRow(ctx, `
		SELECT coalesce(avg(r.rows_read), 0)::integer
		FROM (SELECT rows_read FROM redcache.run
		      WHERE view_id = $1 AND state = 'succeeded' AND NOT whole
		      ORDER BY id DESC
		      LIMIT 20) r`, v.ID).Scan(&rows)
	if err != nil {
		return 0, fmt.Errorf("read recent runs of view %s: %w", v.Name, err)
	}
	return rows, nil
}
