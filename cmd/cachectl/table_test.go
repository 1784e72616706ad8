package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

func laidOut(t testing.TB, tb table, columns int) string {
	t.Helper()
	var b strings.Builder
	if err := tb.write(&b, columns); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// What a terminal shows counts, not bytes or runes.
func TestTable_AlignsWideAndCombiningCharacters(t *testing.T) {
	t.Parallel()
	got := laidOut(t, table{headings: []string{"VIEW", "ROWS"}, rows: [][]string{
		{"bi.sales", "1"}, {"bi.売上", "2"}, {"bi.cafe\u0301", "3"}, {"bi.👩‍👩‍👧", "4"}, {"bi.\x1b[2J", "5"},
	}}, 0)
	want := "VIEW        ROWS\n" +
		"bi.sales    1\n" +
		"bi.売上     2\n" +
		"bi.cafe\u0301     3\n" +
		"bi.👩‍👩‍👧       4\n" +
		"bi.\\x1b[2J  5\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTable_KeepsToTheTerminal(t *testing.T) {
	t.Parallel()
	tb := table{
		headings: []string{"VIEW", "AS OF", "LAST RUN"}, spare: []string{"AS OF"},
		rows: [][]string{{"bi.sales", "2026-11-27T10:00:00Z", "failed in 3s, and the link rests until noon"}},
	}
	for columns, want := range map[int]string{
		0: "VIEW      AS OF                 LAST RUN\n" +
			"bi.sales  2026-11-27T10:00:00Z  failed in 3s, and the link rests until noon\n",
		60: "VIEW      LAST RUN\n" +
			"bi.sales  failed in 3s, and the link rests until noon\n",
		40: "VIEW      LAST RUN\n" +
			"bi.sales  failed in 3s, and the link\n" +
			"          rests until noon\n",
		15: "view:      bi.sales\n" +
			"last run:  failed in 3s, and\n" +
			"           the link rests until\n" +
			"           noon\n",
	} {
		if diff := cmp.Diff(want, laidOut(t, tb, columns)); diff != "" {
			t.Errorf("%d columns (-want +got):\n%s", columns, diff)
		}
	}
}

// Whatever is in the cells, no line is wider than the terminal unless it is that of a block, and no word is lost.
func TestTable_LosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.StringMatching(`[a-z売é\x{301}]{1,12}`)
		cell := rapid.Custom(func(r *rapid.T) string { return strings.Join(rapid.SliceOfN(word, 0, 6).Draw(r, "words"), " ") })
		width := rapid.IntRange(1, 5).Draw(r, "width")
		rows := rapid.SliceOfN(rapid.SliceOfN(cell, width, width), 1, 4).Draw(r, "rows")
		headings := rapid.SliceOfN(rapid.StringMatching(`[A-Z]{1,8}`), width, width).Draw(r, "headings")
		columns := rapid.IntRange(1, 120).Draw(r, "columns")
		var b strings.Builder
		if err := (table{headings: headings, rows: rows}).write(&b, columns); err != nil {
			r.Fatal(err)
		}
		block := !strings.HasPrefix(b.String(), headings[0])
		for line := range strings.Lines(b.String()) {
			if got := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); got > columns && !block {
				r.Errorf("%d columns of %d: %q", got, columns, line)
			}
		}
		got := map[string]int{}
		for _, word := range strings.Fields(b.String()) {
			got[word]++
		}
		for _, row := range rows {
			for _, word := range strings.Fields(strings.Join(row, " ")) {
				if got[word]--; got[word] < 0 {
					r.Errorf("%q is missing from:\n%s", word, b.String())
				}
			}
		}
	})
}

func TestShortened_KeepsTheEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text    string
		columns int
		want    string
	}{
		{"abcdef", 6, "abcdef"},
		{"abcdef", 5, "ab…ef"},
		{"abcdef", 2, "a…"},
		{"abcdef", 1, "…"},
		{"abcdef", -3, "…"},
		{"売上売上", 7, "売上…上"},
		{"cafe\u0301s", 4, "c…e\u0301s"},
	} {
		if got := shortened(tt.text, tt.columns); uniseg.StringWidth(got) > max(tt.columns, 1) || got != tt.want {
			t.Errorf("%s in %d: got %q, want %q", tt.text, tt.columns, got, tt.want)
		}
	}
}
