package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/redcache/redcache/cmd/internal/wire"
)

// describe is the block that status shows of one view: what to call a fact, and the fact. Empty ones are not shown.
func describe(r viewRecord) [][2]string {
	columns := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		columns[i] = c.Column + " " + c.Type
	}
	lines := [][2]string{
		{"view", r.View},
		{"problem", text(r.Problem)},
		{"description", text(r.Description)},
		{"owner", text(r.Owner)},
		{"link", r.Link},
		{"link rests", rest(r.restRecord)},
		{"query", oneLine(r.Query)},
		{"reads", strings.Join(r.Inputs, ", ")},
		{"columns", strings.Join(columns, ", ")},
		{"strategy", string(r.Strategy)},
		{"key", strings.Join(r.Key, ", ")},
		{"watermark column", text(r.WatermarkIn)},
		{"watermark", text(r.Watermark)},
		{"lookback", text(r.Lookback)},
		{"safety lag", r.SafetyLag.span()},
		{"full read every", r.ReconcileEvery.span()},
		{"refresh every", refreshed(r)},
		{"max age", orElse(r.MaxAge.span(), "no promise")},
		{"timeout", ofRows(r, r.Timeout.span())},
		{"indexes", strings.Join(r.Indexes, "; ")},
		{"grants", strings.Join(r.Grants, ", ")},
		{"zero bytes", ofRemote(r, string(r.NulBytes))},
		{"transport", ofRemote(r, string(r.Transport))},
		{"split by", split(r)},
		{"group", text(r.Group)},
		{"may lose", mayLose(r)},
		{"checks", strings.Join(r.Checks, "; ")},
		{"skip unchanged", ofRemote(r, string(r.SkipUnchanged))},
		{"ready when", text(r.ReadyWhen)},
		{"rows", ofRows(r, text(r.Rows))},
		{"size", ofRows(r, size(r.Bytes))},
		{"relation", text(r.Relation)},
		{"as of", orElse(instant(r.AsOf), "not filled yet")},
		{"age", r.Age.brief()},
		{"behind its inputs", r.Lag.brief()},
		{"stale", yesNo(r.Stale)},
		{"next due", instant(r.NextDue)},
		{"failures", text(some(r.Failures))},
		{"not ready since", instant(r.UnreadySince)},
	}
	return append(append(lines, describeRunning(r)...), describeRun(r.LastRun)...)
}

// ofRemote is a fact on how Redshift is read, which means nothing of a view that reads others of the cache.
func ofRemote(r viewRecord, fact string) string {
	if len(r.Inputs) > 0 {
		return ""
	}
	return fact
}

// ofRows is a fact on rows that are kept.
func ofRows(r viewRecord, fact string) string {
	if t, _ := r.Strategy.Traits(); t.Rowless {
		return ""
	}
	return fact
}

func refreshed(r viewRecord) string {
	if t, _ := r.Strategy.Traits(); t.Rowless {
		return "never: it keeps no rows, and is as fresh as what it reads"
	}
	return orElse(r.Every.span(), "only on demand")
}

// oneLine puts the lines of a query after each other. Other blanks may be in a name.
func oneLine(query string) string {
	var all []string
	for line := range strings.Lines(query) {
		if line = strings.Trim(line, " \t\r\n"); line != "" {
			all = append(all, line)
		}
	}
	return strings.Join(all, " ")
}

// describeRunning is the refresh that is under way, and who holds the view, which may also be somebody who changes it.
func describeRunning(r viewRecord) [][2]string {
	lines := [][2]string{{"held by", text(r.HeldBy)}}
	if r.Changing != nil {
		lines = append(lines, [2]string{"changed by", *r.Changing})
	}
	switch {
	case r.Running == nil:
		return lines
	case r.HeldBy == nil:
		return append(lines, [2]string{"running", fmt.Sprintf("run %d was left behind, its process is gone: the next refresh says so",
			r.Running.ID)})
	}
	return append(lines, [2]string{"running", fmt.Sprintf("run %d, for %s, by %s, attempt %d", r.Running.ID,
		brief(max(time.Since(r.Running.StartedAt), 0)), r.Running.Application, r.Running.Attempts)})
}

func describeRun(r *wire.Run) [][2]string {
	if r == nil {
		return [][2]string{{"last run", "none"}}
	}
	state := fmt.Sprintf("%s, started %s by %s", r.State, instant(&r.StartedAt), r.Application)
	if r.Took != nil {
		state += ", took " + brief(r.Took.Duration())
	}
	lines := [][2]string{{"last run", state}, {"last strategy", how(r)}, {"last reason", text(r.Reason)}}
	if r.RowsRead != nil {
		lines = append(lines, [2]string{"last rows", fmt.Sprintf("%d read, %s inserted, %s updated, %s deleted",
			*r.RowsRead, text(r.RowsInserted), text(r.RowsUpdated), text(r.RowsDeleted))})
	}
	return append(lines, [2]string{"error", text(r.Error)}, [2]string{"hint", text(r.Hint)})
}

// how says what the run did, where rows were read.
func how(r *wire.Run) string {
	if r.RowsRead == nil {
		return ""
	}
	text := string(r.Strategy)
	if r.Transport != nil {
		text += " over " + string(*r.Transport)
	}
	if r.BytesRead != nil {
		text += ", " + size(r.BytesRead)
	}
	if r.Waited != nil {
		text += ", waited " + brief(r.Waited.Duration()) + " for readers"
	}
	return text
}

func split(r viewRecord) string {
	if r.Split == nil {
		return ""
	}
	return fmt.Sprintf("%s, over %d sessions", *r.Split, r.Sessions)
}

// mayLose is the share of rows that a refresh may lose, where that is looked at.
func mayLose(r viewRecord) string {
	if t, _ := r.Strategy.Traits(); t.Guarded {
		return fmt.Sprintf("%d %% of its rows at once", r.AllowShrink)
	}
	return ""
}

func (s seconds) duration() time.Duration { return wire.Seconds(s).Duration() }
func (s seconds) span() string            { return span(s.duration().Round(time.Millisecond)) }

func (s *seconds) brief() string {
	if s == nil {
		return "-"
	}
	d := s.duration()
	return age(&d)
}

func orElse(text, otherwise string) string {
	if text == "-" {
		return otherwise
	}
	return text
}
