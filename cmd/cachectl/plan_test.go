package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/pipeline/impact"
)

// What others have written cannot leave its cell or its block, and is nothing but text there.
func TestMarkdown_ShowsNamesAndQueriesAsTheyAre(t *testing.T) {
	t.Parallel()
	const hostile = "a|b`c<img src=x>\\|@all\n| x | y |\x1b[2J\u202e"
	diff := pipeline.Diff("select 1\n```", "select '```'\n</details> | <b>\n```")
	text := markdown([]plannedRecord{{
		View: hostile, Change: pipeline.Changed, Applied: pipeline.ByRebuild, Breaks: []string{hostile, "<plain>", "a|b"}, Adds: []string{hostile}, Diff: &diff,
		Affects: []useRecord{{By: impact.ByStatement, Kind: "statement", Name: "select `a`; ```", Role: some(hostile), Calls: some(int64(1))}},
	}})
	if strings.ContainsAny(text, "\x1b\u202e") {
		t.Errorf("it has control characters:\n%q", text)
	}
	fence, rows, headings := "", 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		bare := strings.TrimLeft(line, " ") // a fence may stand behind some
		ticks := bare[:len(bare)-len(strings.TrimLeft(bare, "`"))]
		switch {
		case fence == "" && len(ticks) >= 3:
			fence = ticks
		case fence != "" && line == fence:
			fence = ""
		case fence != "" && len(ticks) >= len(fence):
			t.Errorf("this ends a block: %q", line)
		case fence != "":
		case strings.HasPrefix(line, "|"):
			if rows++; strings.Count(line, "|") != 6 {
				t.Errorf("it has other cells: %q", line)
			}
			fallthrough
		default:
			if strings.HasPrefix(line, "#### ") {
				headings++
			}
			if rest := strings.NewReplacer("<code>", "", "</code>", "", "<br>", "", "`<plain>`", "").Replace(line); strings.ContainsAny(rest, "<`\\@") {
				t.Errorf("this says something to who shows it: %q", line)
			}
		}
	}
	if fence != "" || rows != 3 || headings != 1 {
		t.Errorf("%d rows, %d headings, open block %q:\n%s", rows, headings, fence, text)
	}
	if got := markdown([]plannedRecord{{View: "a", Applied: pipeline.ByNothing}}); got != "Nothing would change.\n" {
		t.Errorf("got %q", got)
	}
}

// However many use what goes, a plan can be read.
func TestPlan_ShowsSomeOfMany(t *testing.T) {
	t.Parallel()
	r := plannedRecord{Affects: make([]useRecord, 1000)}
	details := r.details()
	if last := details[len(details)-1]; len(details) != 21 || last != "980 more use it, which --json has" {
		t.Errorf("%d lines, at their end %q", len(details), last)
	}
}

func TestPlan_ExitStatus(t *testing.T) {
	t.Parallel()
	same := plannedRecord{Applied: pipeline.ByNothing}
	adds := plannedRecord{Applied: pipeline.ByRebuild, Adds: []string{"a column"}}
	goes := plannedRecord{Applied: pipeline.ByRebuild, Breaks: []string{"a column"}}
	held := plannedRecord{Applied: pipeline.ByRebuild, Affects: []useRecord{{By: impact.ByCatalog, InTheWay: true}}}
	named := plannedRecord{Applied: pipeline.ByCatalog, Affects: []useRecord{{By: impact.ByText}}}
	for _, tt := range []struct {
		name    string
		records []plannedRecord
		want    int
	}{
		{"no views", nil, exitDone},
		{"nothing", []plannedRecord{same, same}, exitDone},
		{"something", []plannedRecord{same, adds}, exitChanges},
		{"something that is named elsewhere", []plannedRecord{named, same}, exitChanges},
		{"something that breaks", []plannedRecord{adds, goes, same}, exitBreaks},
		{"something that others are in the way of", []plannedRecord{held, adds}, exitBreaks},
	} {
		got := exitDone
		if found, ok := errors.AsType[foundError](statusOf(tt.records)); ok {
			got = found.status
		}
		if got != tt.want {
			t.Errorf("%s: exit status %d, want %d", tt.name, got, tt.want)
		}
	}
}
