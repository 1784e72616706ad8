package catalog_test

import (
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

func TestRun_TookIsNeverNegative(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for end, want := range map[time.Time]time.Duration{start.Add(time.Second): time.Second, start.Add(-time.Hour): 0} {
		if got := (catalog.Run{StartedAt: start, FinishedAt: &end}).Took(); got != want {
			t.Errorf("from %s to %s: %s, want %s", start, end, got, want)
		}
	}
}
