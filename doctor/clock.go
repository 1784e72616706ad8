package doctor

import (
	"context"
	"fmt"
	"time"
)

// maxSkew is by how much two clocks may differ. AWS refuses requests beyond five minutes; passwords and ages are
// misjudged long before.
const maxSkew = 10 * time.Second

// examineProcessClock compares this process's clock, by which passwords are renewed and requests to AWS signed, with
// the database's, by which views are due and old.
func examineProcessClock(ctx context.Context, x *exam) ([]Check, error) {
	before := x.cfg.Now()
	var theirs time.Time
	if err := x.tx.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&theirs); err != nil {
		return nil, fmt.Errorf("read clock: %w", err)
	}
	skew := apart(theirs, before, x.cfg.Now())
	if skew.Abs() > maxSkew {
		return []Check{warn("this machine", fmt.Sprintf("its clock and that of the cache database differ by %s",
			skew.Abs().Round(time.Second)), "Synchronise both with NTP (on AWS: the Amazon Time Sync Service).")}, nil
	}
	return []Check{ok("this machine", "its clock and that of the cache database agree")}, nil
}

// apart is how far an instant that was read between two others lies outside of them.
func apart(read, before, after time.Time) time.Duration {
	switch {
	case read.Before(before):
		return read.Sub(before)
	case read.After(after):
		return read.Sub(after)
	}
	return 0
}
