package catalog

import (
	"fmt"
	"slices"
)

func (v View) checkTransport() error {
	switch {
	case !slices.Contains(Transports, v.Transport):
		return v.invalid("choose auto, dblink or stream", "transport %q does not exist", v.Transport)
	case v.Transport == StreamTransport && v.Materialized():
		return v.invalid("choose --transport auto, or --strategy swap, merge, auto or incremental",
			"PostgreSQL itself reads the rows of strategy %s, through dblink", v.Strategy)
	case !slices.Contains(SkipModes, v.SkipUnchanged):
		return v.invalid("choose off, auto, modified or content", "skip-unchanged %q does not exist", v.SkipUnchanged)
	case v.AllowShrink < 0 || v.AllowShrink > 100:
		return v.invalid("choose 0 to 100 percent", "allow-shrink is %d", v.AllowShrink)
	case v.Sessions < 1 || v.Sessions > v.Link.MaxConcurrency:
		return v.invalid(fmt.Sprintf("choose 1 to %d, the link's max-concurrency", v.Link.MaxConcurrency),
			"sessions is %d", v.Sessions)
	case v.Sessions > 1 && v.Split == "":
		return v.invalid("name a column of numbers, dates or timestamps with --split, or leave --sessions out",
			"%d sessions need a column by which the read is split", v.Sessions)
	}
	return v.checkSplit()
}

func (v View) checkSplit() error {
	if v.Split == "" {
		return nil
	}
	c, found := v.column(v.Split)
	switch {
	case !found:
		return v.invalid("the query returns "+v.columnNames(), "split column %s does not exist", v.Split)
	case rangeKind(c) == NoWatermark:
		return v.invalid("choose a column of an integer, numeric, date or timestamp type",
			"split column %s has type %s, which has no ranges", v.Split, c.Type)
	case v.Transport == DblinkTransport || v.Materialized():
		return v.invalid("leave --split out, or choose --transport stream and a strategy that reads into a table",
			"only transport stream can split a read")
	}
	return nil
}
