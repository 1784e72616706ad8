package graph_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline/graph"
)

// shop has hostile names, a diamond, a view called as the table that it reads, and one of which nobody can say what it reads.
func shop() []catalog.View {
	remote := func(name, query string) catalog.View {
		v := catalog.View{Name: catalog.Name{Schema: "bi", View: name}, Definition: catalog.Defaults()}
		v.Query, v.LinkName, v.Link = query, "dw", catalog.Link{Name: "dw", Database: "dev"}
		return v
	}
	local := func(name string, inputs ...string) catalog.View {
		v := catalog.View{Name: catalog.Name{Schema: "bi", View: name}, Definition: catalog.Defaults()}
		v.Kind = catalog.LocalSource
		for _, input := range inputs {
			v.References = append(v.References, catalog.Reference{Name: catalog.Name{Schema: "bi", View: input}})
		}
		return v
	}
	return []catalog.View{
		local("all", "left", "right", "left"), local("left", `a"b#<]`), local("right", `a"b#<]`), remote(`a"b#<]`, `SELECT * FROM raw.t JOIN dev.raw.u USING (id)`),
		remote("f", "SELECT * FROM other.raw.t"), remote("t", "SELECT * FROM bi.t JOIN bi.left USING (id)"), remote("Ä\n", "SELECT 1 AS id FROM t"),
	}
}

func told(g graph.Graph) (lines []string) {
	for _, n := range g {
		line := string(n.Kind) + " " + n.Name
		for _, input := range n.Inputs {
			line += " < " + input.Name
		}
		if n.Unknown != "" {
			line += " < ?"
		}
		lines = append(lines, line)
	}
	return lines
}

// Each stands behind what it reads, tables of Redshift included, and a view is no table of its name.
func TestOf_PutsEachBehindWhatItReads(t *testing.T) {
	t.Parallel()
	want := []string{
		"table raw.t", "table raw.u", `remote bi."a""b#<]" < raw.t < raw.u`, `local bi.left < bi."a""b#<]"`, `local bi.right < bi."a""b#<]"`,
		"local bi.all < bi.left < bi.right", "remote bi.f < ?", "table bi.t", "table bi.left", "remote bi.t < bi.t < bi.left", "table t", "remote bi.\"Ä\n\" < t",
	}
	if diff := cmp.Diff(want, told(graph.Of(shop()))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var views []string
	for _, v := range graph.Of(shop()).Views() {
		views = append(views, v.Name.View)
	}
	if diff := cmp.Diff([]string{`a"b#<]`, "left", "right", "all", "f", "t", "Ä\n"}, views); diff != "" {
		t.Errorf("views (-want +got):\n%s", diff)
	}
}

func TestAround_HasWhatIsReadAndWhatReads(t *testing.T) {
	t.Parallel()
	want := []string{"table raw.t", "table raw.u", `remote bi."a""b#<]" < raw.t < raw.u`, `local bi.left < bi."a""b#<]"`, "local bi.all < bi.left"}
	if diff := cmp.Diff(want, told(graph.Of(shop()).Around(catalog.Name{Schema: "bi", View: "left"}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := graph.Of(shop()).Around(catalog.Name{Schema: "bi", View: "nothing"}); got != nil {
		t.Errorf("got %v of a view that is not there", told(got))
	}
}

// Views that read each other, as only somebody by hand can make them, are there once, and end.
func TestOf_EndsInACircle(t *testing.T) {
	t.Parallel()
	views := shop()
	views[1].References[0].Name = catalog.Name{Schema: "bi", View: "all"}
	g := graph.Of(views)
	if len(g.Views()) != len(views) || len(g.Around(views[0].Name)) != 6 {
		t.Errorf("got %v", told(g))
	}
}

// No name means anything in a drawing.
func TestDrawings(t *testing.T) {
	t.Parallel()
	views := shop()
	g := graph.Of([]catalog.View{views[1], views[3], views[4], views[6]})
	const mermaid = `flowchart LR
    n0[("raw.t")]
    n1[("raw.u")]
    n2["bi.#34;a#34;#34;b#35;#60;#93;#34;"]
    n3["bi.f"]
    u3{"?"} -.-> n3
    n4(["bi.left"])
    n5[("t")]
    n6["bi.#34;Ä#92;n#34;"]
    n0 --> n2
    n1 --> n2
    n2 --> n4
    n5 --> n6
`
	if diff := cmp.Diff(mermaid, g.Mermaid()); diff != "" {
		t.Errorf("mermaid (-want +got):\n%s", diff)
	}
	const dot = `digraph redcache {
    rankdir=LR;
    n0 [label="raw.t", shape=cylinder];
    n1 [label="raw.u", shape=cylinder];
    n2 [label="bi.\"a\"\"b#<]\"", shape=box];
    n3 [label="bi.f", shape=box];
    u3 [label="?", shape=diamond];
    u3 -> n3 [style=dashed];
    n4 [label="bi.left", shape=ellipse];
    n5 [label="t", shape=cylinder];
    n6 [label="bi.\"Ä\\n\"", shape=box];
    n0 -> n2;
    n1 -> n2;
    n2 -> n4;
    n5 -> n6;
}
`
	if diff := cmp.Diff(dot, g.Dot()); diff != "" {
		t.Errorf("dot (-want +got):\n%s", diff)
	}
}
