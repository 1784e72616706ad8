package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/internal/screen"
	"github.com/redcache/redcache/pipeline/graph"
)

// The tree keeps to its width, however deep it is and whatever the names are; each name is all there, and its inputs once.
func TestTree_FitsTheTerminal(t *testing.T) {
	t.Parallel()
	var views []catalog.View
	const deep = 60
	name := func(i int) catalog.Name {
		return catalog.Name{Schema: strings.Repeat("長", 20), View: fmt.Sprintf("%02d %s", i, strings.Repeat("x", 55))}
	}
	for i := range deep {
		v := catalog.View{Name: name(i), Definition: catalog.Defaults()}
		v.Query = "SELECT 1 AS id FROM raw.t"
		for _, input := range []int{i - 1, i - 2} {
			if input >= 0 {
				v.Kind, v.References = catalog.LocalSource, append(v.References, catalog.Reference{Name: name(input)})
			}
		}
		views = append(views, v)
	}
	text := treeOf(graph.Of(views), source, nil)
	for line := range strings.Lines(text) {
		if width := screen.Width(strings.TrimSuffix(line, "\n")); width > treeColumns {
			t.Errorf("%d columns: %s", width, line)
		}
	}
	joined := strings.Join(strings.Fields(text), "")
	for i := range deep {
		if want := strings.ReplaceAll(name(i).String(), " ", ""); !strings.Contains(joined, want) {
			t.Errorf("%s is missing", name(i))
		}
	}
	if got := strings.Count(text, "raw.t"); got != 1 {
		t.Errorf("the table is shown %d times", got)
	}
}
