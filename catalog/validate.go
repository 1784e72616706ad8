package catalog

import (
	"errors"
	"fmt"
	"slices"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// Validate holds a view's definition against itself, the columns that its query returns, and its link, before anything is
// changed. The error is an [*InvalidError].
func (v View) Validate() error {
	for _, check := range []func() error{v.Check, v.checkKey, v.checkWatermark, v.checkSplit, v.checkSessions, v.checkRuled, v.Name.validate} {
		if err := v.named(check()); err != nil {
			return err
		}
	}
	return nil
}

// CheckStored refuses a stored definition that no refresh can work by: one that cannot be read, or that was valid in another
// version. What [View.Validate] refuses beyond that does no harm to a view that is there. The error is an [*InvalidError].
func (v View) CheckStored() error {
	if v.Unreadable != nil {
		return v.Unreadable
	}
	return v.named(first(v.checkWords, v.checkNeeds, v.checkTimeout, v.checkColumns, v.checkKey, v.checkWatermark, v.checkSplit, v.checkRuled))
}

// named says in an error whose definition cannot work.
func (v View) named(err error) error {
	if invalid := (*InvalidError)(nil); errors.As(err, &invalid) && invalid.What == "" {
		invalid.What = "view " + v.Name.String()
	}
	return err
}

// invalid is a definition that cannot work; whose it is says who asked.
func invalid(fix, problem string, args ...any) error {
	return &InvalidError{Problem: fmt.Sprintf(problem, args...), Fix: fix}
}

// checkColumns refuses what no query returns.
func (v View) checkColumns() error {
	if len(v.Columns) == 0 || slices.ContainsFunc(v.Columns, func(c Column) bool { return c.Name == "" }) {
		return invalid("have the query described again: "+infra.Command("cachectl", "alter-view", v.Name.String(), "--describe"),
			"its stored columns are none, or have no name")
	}
	return nil
}

func (v View) checkKey() error {
	for i, name := range v.Key {
		c, found := v.column(name)
		switch {
		case !found:
			return invalid("the query returns "+v.columnNames(), "key column %s does not exist", name)
		case slices.Contains(v.Key[:i], name):
			return invalid("name each key column once", "key column %s is named twice", name)
		case c.Mapped().Order == redshift.NoOrder:
			return invalid("choose columns of numbers, text, dates or times",
				"key column %s has type %s, which cannot identify rows", name, c.Type)
		}
	}
	return nil
}

func (v View) checkWatermark() error {
	if v.Watermark == "" {
		return nil
	}
	c, found := v.column(v.Watermark)
	if !found {
		return invalid("the query returns "+v.columnNames(), "watermark column %s does not exist", v.Watermark)
	}
	switch v.WatermarkKind() {
	case NoWatermark:
		return invalid("choose a column of an integer, numeric, date or timestamp type",
			"watermark column %s has type %s, which has no order that both servers agree on", v.Watermark, c.Type)
	case NumericWatermark:
		if !isNumber(v.Lookback) {
			return invalid("give a number, like --lookback 1000",
				"watermark column %s is numeric, and lookback %q is no number of zero or more", v.Watermark, v.Lookback)
		}
		if v.SafetyLag != 0 {
			return invalid("leave --safety-lag out, or choose a watermark of a date or timestamp type",
				"a safety lag needs a watermark in time, and %s has type %s", v.Watermark, c.Type)
		}
	case TimeWatermark:
		if d, err := ParseDuration(v.Lookback); err != nil || d < 0 {
			return invalid("give a duration, like --lookback 10m", "lookback %q is no duration", v.Lookback)
		}
	}
	return nil
}

func (v View) checkSplit() error {
	c, found := v.column(v.Split)
	switch {
	case v.Split == "":
		return nil
	case !found:
		return invalid("the query returns "+v.columnNames(), "split column %s does not exist", v.Split)
	case kindOf(c.Mapped()) == NoWatermark:
		return invalid("choose a column of an integer, numeric, date or timestamp type",
			"split column %s has type %s, which has no ranges", v.Split, c.Type)
	}
	return nil
}

func (v View) checkSessions() error {
	if v.Kind == RemoteSource && v.Sessions > v.Link.MaxConcurrency {
		return invalid(fmt.Sprintf("choose 1 to %d, the link's max-concurrency", v.Link.MaxConcurrency), "--sessions is %d", v.Sessions)
	}
	return nil
}

// checkRuled holds the checks against the columns.
func (v View) checkRuled() error {
	rules, err := v.Rules()
	if err != nil {
		return err
	}
	for _, r := range rules {
		for i, name := range r.Columns {
			c, found := v.column(name)
			switch {
			case !found:
				fix := "the query returns " + v.columnNames()
				if near := infra.Nearest(name, columnNames(v.Columns)); near != "" {
					fix = "did you mean " + near + "? " + fix
				}
				return invalid(fix, "check %s: column %s does not exist", r.Text(), name)
			case slices.Contains(r.Columns[:i], name):
				return invalid("name it once", "check %s: column %s is named twice", r.Text(), name)
			case r.Kind == FreshnessRule && kindOf(c.Mapped()) != TimeWatermark:
				return invalid("choose a column of a date or timestamp type", "check %s: column %s has type %s, which has no age", r.Text(), name, c.kept())
			}
		}
	}
	return nil
}

func (v View) columnNames() string { return joinSome(columnNames(v.Columns), 20) }

func columnNames(columns []Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}
