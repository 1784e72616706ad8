package catalog_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

// What is said of a strategy is made from the table, word for word.
func TestStrategy_RulesAreTold(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		change       func(d *catalog.Definition)
		problem, fix string
	}{
		{
			"no such strategy", func(d *catalog.Definition) { d.Strategy = "fast" },
			`strategy "fast" does not exist`, "choose one of nonconcurrent, concurrent, incremental, swap, merge, auto, live",
		},
		{
			"no rows, of what is elsewhere", func(d *catalog.Definition) { d.Strategy = catalog.Live },
			"strategy live keeps no rows, and its source is on Redshift",
			"cache what it reads as views of their own, and read these: --source cache; or choose another --strategy",
		},
		{
			"what only rows have", func(d *catalog.Definition) {
				d.Kind, d.Strategy, d.Key, d.Indexes, d.RefreshEvery = catalog.LocalSource, catalog.Live, []string{"id"}, []string{"id"}, time.Hour
			},
			"strategy live keeps no rows: they have no index, and nothing is refreshed, nor checked before it is seen",
			"leave --key, --index, --every out, or choose another --strategy",
		},
		{
			"no key to compare by", func(d *catalog.Definition) { d.Strategy = catalog.Concurrent },
			"strategy concurrent needs a key, for the unique index by which rows are compared",
			"name the columns that identify a row with --key a,b, or choose --strategy nonconcurrent",
		},
		{
			"no key to merge by", func(d *catalog.Definition) { d.Strategy = catalog.Merge },
			"strategy merge needs a key, by which rows are compared",
			"name the columns that identify a row with --key a,b, or choose --strategy swap",
		},
		{
			"no watermark", func(d *catalog.Definition) { d.Strategy = catalog.Incremental },
			"strategy incremental needs a watermark",
			"name a column that only grows with --watermark, or choose another --strategy",
		},
		{
			"a watermark in vain", func(d *catalog.Definition) { d.Watermark = "at" },
			"strategy swap reads everything and uses no watermark", "choose --strategy incremental, or leave --watermark out",
		},
		{
			"a lookback in vain", func(d *catalog.Definition) { d.Lookback = "5m" },
			"--lookback, --safety-lag and --reconcile-every are for strategy incremental, and this is swap",
			"name a column that only grows with --watermark, or leave them out",
		},
		{
			"a stream that PostgreSQL cannot read", func(d *catalog.Definition) {
				d.Strategy, d.Transport = catalog.Nonconcurrent, catalog.StreamTransport
			},
			"PostgreSQL itself reads the rows of strategy nonconcurrent, through dblink",
			"choose --strategy swap, merge, auto or incremental, or leave --transport out",
		},
		{
			"a split of what is read past a watermark", func(d *catalog.Definition) {
				d.Strategy, d.Watermark, d.Split, d.Sessions = catalog.Incremental, "at", "id", 2
			},
			"a read by strategy incremental is not split", "choose --strategy swap, merge or auto, or leave --split out",
		},
	} {
		d := catalog.Defaults()
		d.Strategy = catalog.Swap
		tt.change(&d)
		var got *catalog.InvalidError
		if err := d.Check(); !errors.As(err, &got) || got.Problem != tt.problem || got.Fix != tt.fix {
			t.Errorf("%s: refused with %+v, want %s; %s", tt.name, got, tt.problem, tt.fix)
		}
	}
	percent := 10
	_, err := catalog.Draft{Strategy: of(catalog.Concurrent), Key: of([]string{"id"}), AllowShrink: &percent}.Define()
	if want := "--allow-shrink is for strategies swap, merge and auto, and this is concurrent"; err == nil || err.Error() != want {
		t.Errorf("a guard that never looks is refused with %v, want %s", err, want)
	}
}

// The table must not contradict itself, whoever adds a line.
func TestStrategy_TableIsSound(t *testing.T) {
	t.Parallel()
	for i, row := range catalog.Table {
		switch {
		case row.Strategy == "" || row.Told == "":
			t.Errorf("row %d names no strategy, or says nothing of it", i)
		case !slices.Contains(catalog.Strategies, row.Strategy) || slices.Index(catalog.Strategies, row.Strategy) != i:
			t.Errorf("%s is not in the list, or twice", row.Strategy)
		case row.Materialized && (row.Anew || row.Guarded || row.Splits || row.InPlace != ""):
			t.Errorf("%s makes materialized views, and does what only a table can", row.Strategy)
		case row.Rowless && (row.Materialized || row.Anew || row.Guarded || row.Splits || row.InPlace != "" || row.Key != "" || row.Watermark):
			t.Errorf("%s keeps no rows, and does something with them", row.Strategy)
		case row.Anew && row.InPlace == "":
			t.Errorf("%s makes a generation each time, and a group of it and others would have no way", row.Strategy)
		}
		for _, other := range []catalog.Strategy{row.Keyless, row.InPlace} {
			to, ok := other.Traits()
			if other != "" && (!ok || to.Materialized != row.Materialized) {
				t.Errorf("%s names %s, which is not of its kind", row.Strategy, other)
			}
		}
		if to, _ := row.Keyless.Traits(); (row.Key == "") != (row.Keyless == "") || to.Key != "" {
			t.Errorf("%s needs a key, and names %q as what does without", row.Strategy, row.Keyless)
		}
	}
}

func TestView_CheckStoredNamesTheView(t *testing.T) {
	t.Parallel()
	v := catalog.NewView(catalog.Name{Schema: "bi", View: "sales"}, catalog.Link{Name: "dw"})
	v.Strategy, v.Timeout, v.Columns = "window", time.Minute, []catalog.Column{{Name: "id", Type: "integer"}}
	if err := v.CheckStored(); err == nil || err.Error() != `view bi.sales: strategy "window" does not exist` {
		t.Errorf("an unknown strategy is refused with %v", err)
	}
	v.Strategy = catalog.Swap
	if err := v.CheckStored(); err != nil {
		t.Errorf("a known one is refused: %v", err)
	}
}
