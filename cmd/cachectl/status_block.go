package main

import (
	"fmt"
	"strings"
	"time"
)

// describe is the block that status shows of one view: what to call a fact, and the fact. Empty ones are not shown.
func describe(r viewRecord) [][2]string {
	columns := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		columns[i] = c.Column + " " + c.Type
	}
	lines := [][2]string{
		{"view", r.View},
		{"link", r.Link},
		{"query", strings.Join(strings.Fields(r.Query), " ")},
		{"columns", strings.Join(columns, ", ")},
		{"strategy", string(r.Strategy)},
		{"key", strings.Join(r.Key, ", ")},
		{"watermark column", text(r.WatermarkIn)},
		{"watermark", text(r.Watermark)},
		{"lookback", text(r.Lookback)},
		{"safety lag", r.SafetyLag.span()},
		{"full read every", r.ReconcileEvery.span()},
		{"refresh every", orElse(r.Every.span(), "only on demand")},
		{"max age", orElse(r.MaxAge.span(), "no promise")},
		{"timeout", r.Timeout.span()},
		{"indexes", strings.Join(r.Indexes, "; ")},
		{"grants", strings.Join(r.Grants, ", ")},
		{"zero bytes", string(r.NulBytes)},
		{"rows", text(r.Rows)},
		{"size", size(r.Bytes)},
		{"relation", text(r.Relation)},
		{"as of", orElse(instant(r.AsOf), "not filled yet")},
		{"age", r.Age.brief()},
		{"stale", yesNo(r.Stale)},
		{"next due", instant(r.NextDue)},
		{"failures", text(some(r.Failures))},
	}
	return append(lines, describeRun(r.LastRun)...)
}

func describeRun(r *runRecord) [][2]string {
	if r == nil {
		return [][2]string{{"last run", "none"}}
	}
	state := fmt.Sprintf("%s, started %s by %s", r.State, instant(&r.StartedAt), r.Application)
	if r.Took != nil {
		state += ", took " + brief(r.Took.duration())
	}
	lines := [][2]string{{"last run", state}}
	if r.RowsRead != nil {
		lines = append(lines, [2]string{"last rows", fmt.Sprintf("%d read, %s inserted, %s updated, %s deleted",
			*r.RowsRead, text(r.RowsInserted), text(r.RowsUpdated), text(r.RowsDeleted))})
	}
	return append(lines, [2]string{"error", text(r.Error)}, [2]string{"hint", text(r.Hint)})
}

func (s seconds) duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }
func (s seconds) span() string            { return span(s.duration().Round(time.Millisecond)) }

func (s *seconds) brief() string {
	if s == nil {
		return "-"
	}
	return brief(s.duration())
}

func orElse(text, otherwise string) string {
	if text == "-" {
		return otherwise
	}
	return text
}
