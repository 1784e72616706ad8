package catalog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
)

// Each place in what a query is made into is the one in the query, and all of another name is the place of the view's.
func TestSource_PlaceIsTheWayBackFromWritten(t *testing.T) {
	t.Parallel()
	const query = "SELECT a.x, b.y FROM s.a AS a, s.longer AS b, s.a AS c"
	s := catalog.Source{Query: query}
	for _, name := range []string{"s.a", "s.longer", "s.a"} {
		from := 0
		if n := len(s.References); n > 0 {
			from = s.References[n-1].To
		}
		from += strings.Index(query[from:], name)
		schema, view, _ := strings.Cut(name, ".")
		s.References = append(s.References, catalog.Reference{Name: catalog.Name{Schema: schema, View: view}, From: from, To: from + len(name)})
	}
	instead := func(n catalog.Name) string { return map[string]string{"a": "something instead", "longer": "l"}[n.View] }
	var want []int
	at := 0
	for _, r := range s.References {
		for ; at < r.From; at++ {
			want = append(want, at)
		}
		for range instead(r.Name) {
			want = append(want, r.From)
		}
		at = r.To
	}
	for ; at <= len(query); at++ {
		want = append(want, at)
	}
	var got []int
	for at := range len(s.Written(instead)) + 1 {
		got = append(got, s.Place(instead, at))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What has no alias goes by its own name.
func TestSource_WrittenKeepsTheNamesOfInputs(t *testing.T) {
	t.Parallel()
	const query = `SELECT a.x, "Up".y, c.z FROM s.a JOIN s."Up" ON true, s.a c`
	s := catalog.Source{Query: query}
	for _, r := range []struct {
		text string
		name catalog.Name
	}{{"s.a", catalog.Name{Schema: "s", View: "a"}}, {`s."Up"`, catalog.Name{Schema: "s", View: "Up"}}, {"s.a c", catalog.Name{Schema: "s", View: "a"}}} {
		from := strings.Index(query, r.text)
		s.References = append(s.References, catalog.Reference{Name: r.name, From: from, To: from + len(strings.TrimSuffix(r.text, " c"))})
	}
	got := s.Written(func(n catalog.Name) string { return "g." + n.View })
	if want := `SELECT a.x, "Up".y, c.z FROM g.a AS "a" JOIN g.Up AS "Up" ON true, g.a c`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
