package pipeline_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/refresh"
)

// A place in a query is that in the file, whatever stands before the query in either; what is not there has none.
func TestRefused_IsWhereItIsInTheFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ file, query, want string }{
		{"-- @matview-schema a\n-- @matview-name b\nSELECT 1 AS ü,\n  ¦2 AS c", "SELECT 1 AS ü,\n  ¦2 AS c", "b.sql:4:3: no"},
		{"-- @matview-schema a\r\n-- @matview-name b\r\n\r\nSELECT 1 ¦AS c;\r\n", "SELECT 1 ¦AS c\r\n", "b.sql:4:10: no"},
		{"/* @matview-schema a\n   @matview-name b */ SELECT 1 ¦AS c", "  \nSELECT 1 ¦AS c", "b.sql:2:32: no"},
		{"/* @matview-schema a\n   @matview-name b\n @query verbatim */\n  -- of it\n SELECT 1 ¦AS c", "-- of it\n SELECT 1 ¦AS c", "b.sql:5:11: no"},
		{"-- @matview-schema a\n-- @matview-name b\nSELECT 1 AS c\n", "SELECT 1¦", "b.sql:3:9: no"},
		{"-- @matview-schema a\n-- @matview-name b\n\nSELECT 1 AS c", "SELECT 1 AS c", "b.sql:4: no"},
		{"-- @matview-schema a\n-- @matview-name b\n\nSELECT 1 AS c", "SELECT 2 AS d, ¦c", "b.sql:4: no"},
	} {
		p, problems := pipeline.Load(fstest.MapFS{"b.sql": {Data: []byte(strings.Replace(tt.file, "¦", "", 1))}})
		if problems != nil {
			t.Fatal(problems)
		}
		got, left := p.Refused(&refresh.RefusedError{Queries: []refresh.RefusedQuery{{
			Name: catalog.Name{Schema: "a", View: "b"}, Query: strings.Replace(tt.query, "¦", "", 1), At: strings.Index(tt.query, "¦"), What: "no",
		}}})
		if got.Error() != tt.want || left != nil {
			t.Errorf("%q: got %q, want %q", tt.file, got, tt.want)
		}
		if shown, marked := got[0].Shown(), strings.Count(tt.want, ":") == 3; strings.Contains(shown, "^") != marked {
			t.Errorf("%q: shown as\n%s", tt.file, shown)
		}
	}
}

// What is found in a condition stands in the line of its tag; where it was said for all files, it stands in none.
func TestRefused_OfACondition(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ header, asked, want string }{
		{"-- @ready-when   SELECT ü¦ FROM x;", "SELECT ü¦ FROM x", "b.sql:3:26: @ready-when: no"},
		{"/* @ready-when SELECT 1 */", "SELECT 1", "b.sql:3:16: @ready-when: no"},
	} {
		text := "-- @matview-schema a\n-- @matview-name b\n" + strings.Replace(tt.header, "¦", "", 1) + "\nSELECT 1 AS c\n"
		p, problems := pipeline.Load(fstest.MapFS{"b.sql": {Data: []byte(text)}})
		if problems != nil {
			t.Fatal(problems)
		}
		got, _ := p.Refused(&refresh.RefusedError{Queries: []refresh.RefusedQuery{{
			Name: catalog.Name{Schema: "a", View: "b"}, Query: strings.Replace(tt.asked, "¦", "", 1), Condition: true,
			At: strings.Index(tt.asked, "¦"), What: "no",
		}}})
		if got.Error() != tt.want {
			t.Errorf("%q: got %q, want %q", tt.header, got, tt.want)
		}
	}
}

// Of a long line what stands around the place is shown, with the mark below the place.
func TestProblem_ShowsAPartOfALongLine(t *testing.T) {
	t.Parallel()
	for _, before := range []int{0, 3, 79, 80, 81, 200, 5000} {
		for _, behind := range []int{0, 3, 79, 80, 200, 5000} {
			line := strings.Repeat("ü", before) + "¦" + strings.Repeat("ü", behind)
			lines := strings.Split(pipeline.Problem{Path: "a.sql", Line: 1, Column: before + 1, Source: line}.Shown(), "\n")
			shown, mark := []rune(lines[1]), strings.Index(lines[2], "^")
			if shown[mark] != '¦' || len(shown) > 4+160+2 || before+1+behind > 160 != strings.Contains(lines[1], "…") {
				t.Errorf("%d before, %d behind:\n%s", before, behind, strings.Join(lines, "\n"))
			}
		}
	}
}
