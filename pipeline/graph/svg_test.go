package graph_test

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline/graph"
)

// drawing is what a picture of a graph has.
type drawing struct {
	ViewBox string `xml:"viewBox,attr"`
	Style   string `xml:"style"`
	Edges   []struct {
		D string `xml:"d,attr"`
	} `xml:"path"`
	Boxes []struct {
		Class string `xml:"class,attr"`
		Title string `xml:"title"`
		Text  string `xml:"text"`
		Rect  struct {
			X      float64 `xml:"x,attr"`
			Y      float64 `xml:"y,attr"`
			Width  float64 `xml:"width,attr"`
			Height float64 `xml:"height,attr"`
		} `xml:"rect"`
	} `xml:"g"`
}

func drawn(t interface{ Fatalf(string, ...any) }, g graph.Graph) (d drawing) {
	if err := xml.Unmarshal([]byte(g.SVG()), &d); err != nil {
		t.Fatalf("%v\n%s", err, g.SVG())
	}
	return d
}

// Whatever views read, no box lies on another one or outside of the picture, and no edge leads to the left.
func TestSVG_HasRoomForAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var views []catalog.View
		for i := range rapid.IntRange(0, 15).Draw(t, "views") {
			v := catalog.View{Name: catalog.Name{Schema: "bi", View: fmt.Sprintf("v%d_%s", i, rapid.SampledFrom([]string{"", "金額", strings.Repeat("long", 20)}).Draw(t, "name"))}, Definition: catalog.Defaults()}
			v.Query = fmt.Sprintf("SELECT 1 FROM raw.t%d", i%3)
			for j, other := range views {
				if j >= i-6 && rapid.IntRange(0, 3).Draw(t, "reads") == 0 {
					v.Kind, v.References = catalog.LocalSource, append(v.References, catalog.Reference{Name: other.Name})
				}
			}
			views = append(views, v)
		}
		g := graph.Of(views)
		d := drawn(t, g)
		var width, height float64
		if _, err := fmt.Sscanf(d.ViewBox, "0 0 %g %g", &width, &height); err != nil {
			t.Fatalf("%v", err)
		}
		if len(d.Boxes) != len(g) || len(d.Edges) < len(g.Edges()) {
			t.Fatalf("%d boxes and %d edges for %d nodes and %d edges", len(d.Boxes), len(d.Edges), len(g), len(g.Edges()))
		}
		for i, a := range d.Boxes {
			if a.Rect.X < 0 || a.Rect.Y < 0 || a.Rect.X+a.Rect.Width > width || a.Rect.Y+a.Rect.Height > height {
				t.Fatalf("%s is outside of %g x %g: %v", a.Text, width, height, a.Rect)
			}
			for _, b := range d.Boxes[:i] {
				if a.Rect.X < b.Rect.X+b.Rect.Width && b.Rect.X < a.Rect.X+a.Rect.Width && a.Rect.Y < b.Rect.Y+b.Rect.Height && b.Rect.Y < a.Rect.Y+a.Rect.Height {
					t.Fatalf("%s lies on %s: %v, %v", a.Text, b.Text, a.Rect, b.Rect)
				}
			}
		}
		for _, e := range d.Edges {
			var x, y, a, b, c, f, to, at float64
			if n, _ := fmt.Sscanf(e.D, "M%g %gC%g %g %g %g %g %g", &x, &y, &a, &b, &c, &f, &to, &at); n == 8 && to <= x {
				t.Fatalf("an edge leads to the left: %s", e.D)
			}
		}
	})
}

// Names are texts in it, whatever is in them, and what is cut is whole in the title.
func TestSVG_TakesNamesAsTexts(t *testing.T) {
	t.Parallel()
	v := catalog.View{Name: catalog.Name{Schema: "bi", View: `</text><script>&"` + strings.Repeat("x", 60) + "\x00\x1b"}, Definition: catalog.Defaults()}
	v.LinkName, v.Query, v.Link.Database = `d"<w>`, "SELECT 1 FROM other.raw.t", "dev"
	d := drawn(t, graph.Of([]catalog.View{v}))
	if len(d.Boxes) != 1 || !strings.HasPrefix(d.Boxes[0].Text, `bi."</text><script>&`) || !strings.Contains(d.Boxes[0].Text, "…") {
		t.Fatalf("%+v", d.Boxes)
	}
	for _, want := range []string{strings.Repeat("x", 60), `through link d"<w>`, "may read more: "} {
		if !strings.Contains(d.Boxes[0].Title, want) {
			t.Errorf("the title has no %q: %s", want, d.Boxes[0].Title)
		}
	}
	if !slices.Contains(strings.Fields(d.Boxes[0].Class), "unknown") {
		t.Errorf("class %q", d.Boxes[0].Class)
	}
}
