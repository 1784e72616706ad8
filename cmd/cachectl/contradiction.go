package main

import "github.com/redcache/redcache/catalog"

// contradiction is a definition that no query can make right. On alter-view, the view may have what is not given.
func contradiction(v catalog.View) error {
	switch {
	case v.Strategy == catalog.Concurrent && len(v.Key) == 0:
		return usagef("name the columns that identify a row with --key a,b, or choose --strategy nonconcurrent",
			"strategy concurrent needs a key, for the unique index by which rows are compared")
	case v.Strategy == catalog.Merge && len(v.Key) == 0:
		return usagef("name the columns that identify a row with --key a,b, or choose --strategy swap",
			"strategy merge needs a key, by which rows are compared")
	case v.Strategy == catalog.Incremental && v.Watermark == "":
		return usagef("name a column that only grows with --watermark, or choose another --strategy",
			"strategy incremental needs a watermark")
	case v.Strategy != catalog.Incremental && v.Watermark != "":
		return usagef("choose --strategy incremental, or leave --watermark out",
			"strategy %s reads everything and uses no watermark", v.Strategy)
	case v.Strategy != catalog.Incremental && (v.Lookback != "" || v.SafetyLag != 0 || v.ReconcileEvery != 0):
		return usagef("name a column that only grows with --watermark, or leave them out",
			"--lookback, --safety-lag and --reconcile-every are for strategy incremental, and this is %s", v.Strategy)
	case v.MaxAge > 0 && v.RefreshEvery > v.MaxAge:
		return usagef("refresh more often, or promise less", "refreshing every %s cannot keep a max-age of %s",
			catalog.FormatDuration(v.RefreshEvery), catalog.FormatDuration(v.MaxAge))
	}
	return contradictoryReading(v)
}

// contradictoryReading is a way to read that the rest of the definition rules out.
func contradictoryReading(v catalog.View) error {
	switch {
	case v.Transport == catalog.StreamTransport && v.Materialized():
		return usagef("choose --strategy swap, merge, auto or incremental, or leave --transport out",
			"PostgreSQL itself reads the rows of strategy %s, through dblink", v.Strategy)
	case v.Split != "" && (v.Materialized() || v.Strategy == catalog.Incremental):
		return usagef("choose --strategy swap, merge or auto, or leave --split out",
			"a read by strategy %s is not split", v.Strategy)
	case v.Split != "" && v.Transport == catalog.DblinkTransport:
		return usagef("choose --transport stream, or leave --split out", "only transport stream can split a read")
	case v.Split != "" && v.Sessions == 1:
		return usagef("say over how many, like --sessions 4", "--split needs two sessions or more")
	case v.Split == "" && v.Sessions > 1:
		return usagef("name a column of numbers, dates or timestamps with --split, or leave --sessions out",
			"%d sessions need a column by which the read is split", v.Sessions)
	}
	return nil
}

// checkGuard refuses a limit that the strategy would never look at.
func (d *definition) checkGuard(v catalog.View) error {
	if !d.given("allow-shrink") || !v.Materialized() && v.Strategy != catalog.Incremental {
		return nil
	}
	return &catalog.InvalidError{
		What:    "view " + v.Name.String(),
		Problem: "--allow-shrink is for strategies swap, merge and auto, and this is " + string(v.Strategy),
		Fix:     "choose one of these, or leave it out",
	}
}
