package integration_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim/tickit"
)

// tickitReads is what each query of examples/tickit reads, as a person reads it.
var tickitReads = map[string]string{
	"daily_sales": "tickit.date tickit.sales", "sales_by_event": "tickit.event tickit.sales", "venues": "tickit.venue",
	"categories": "tickit.category", "buyers": "tickit.sales tickit.users", "sellers": "tickit.listing tickit.sales tickit.users",
	"best_sellers_by_month": "tickit.event tickit.sales", "unsold_listings": "tickit.listing tickit.sales",
	"sales_by_quarter": "tickit.date tickit.sales", "tastes": "tickit.users", "reserved_names": "tickit.sales",
	"busy_days": "tickit.date tickit.sales", "event_board": "box.categories box.sales_by_event box.venues", "kinds": "box.event_board",
	"venues_ranked": "box.sales_by_event box.venues", "loyal_buyers": "box.buyers", "both_sides": "box.buyers box.sellers",
	"running_total": "box.daily_sales", "busy_share": "box.busy_days box.daily_sales",
	"summary": "box.both_sides box.loyal_buyers box.running_total box.venues_ranked",
}

// The queries over Redshift's sample data are understood as people understand them, and run as they stand.
func TestPipeline_OfRedshiftsSampleData(t *testing.T) {
	t.Parallel()
	w := newWorld(t, pgtest.Config{})
	if err := tickit.Load(t.Context(), built.engine.AdminURL(w.sourceDB), tickit.Options{Sales: 2000}); err != nil {
		t.Fatal(err)
	}
	var compiled []struct {
		View  string
		Reads []string
	}
	const dir = "../examples/tickit"
	text := w.cachectl(t, "compile", dir, "--json")
	if err := json.Unmarshal([]byte(text), &compiled); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	reads := map[string]string{}
	for _, v := range compiled {
		reads[strings.TrimPrefix(v.View, "box.")] = strings.Join(slices.Sorted(slices.Values(v.Reads)), " ")
	}
	if !maps.Equal(reads, tickitReads) {
		t.Errorf("they read %v\nwant %v", reads, tickitReads)
	}
	w.cachectl(t, "apply", "--lineage=false", dir)
	w.cachectl(t, "plan", dir)
	for name := range tickitReads {
		var rows int
		if err := w.pool.QueryRow(t.Context(), "SELECT count(*) FROM box."+name).Scan(&rows); err != nil || rows == 0 {
			t.Errorf("box.%s has %d rows: %v", name, rows, err)
		}
	}
	w.wantEqual(t, "box.running_total", `SELECT caldate, sum(pricepaid), sum(sum(pricepaid)) OVER (ORDER BY caldate)
		FROM tickit.sales JOIN tickit.date USING (dateid) GROUP BY caldate`)
}
