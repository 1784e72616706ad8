package graph

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/redcache/redcache/infra"
)

// Mermaid is the graph in the language of Mermaid, which GitHub draws.
func (g Graph) Mermaid() string {
	shapes := map[Kind][2]string{Table: {"[(", ")]"}, Remote: {"[", "]"}, Local: {"([", "])"}}
	text := "flowchart LR\n"
	for i, n := range g {
		text += fmt.Sprintf("    n%d%s\"%s\"%s\n", i, shapes[n.Kind][0], mermaidText(n.Name), shapes[n.Kind][1])
		if n.Unknown != "" {
			text += fmt.Sprintf("    u%d{\"?\"} -.-> n%[1]d\n", i)
		}
	}
	return text + g.edges("    n%d --> n%d\n")
}

// mermaidText has what is no letter, digit, dot or underscore as its number: some of the rest means something there.
func mermaidText(name string) string {
	var text strings.Builder
	for _, r := range infra.Printable(name) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._ ", r) {
			text.WriteRune(r)
		} else {
			fmt.Fprintf(&text, "#%d;", r)
		}
	}
	return text.String()
}

// Dot is the graph in the language of Graphviz.
func (g Graph) Dot() string {
	shapes := map[Kind]string{Table: "cylinder", Remote: "box", Local: "ellipse"}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	text := "digraph redcache {\n    rankdir=LR;\n"
	for i, n := range g {
		text += fmt.Sprintf("    n%d [label=\"%s\", shape=%s];\n", i, escape.Replace(infra.Printable(n.Name)), shapes[n.Kind])
		if n.Unknown != "" {
			text += fmt.Sprintf("    u%d [label=\"?\", shape=diamond];\n    u%[1]d -> n%[1]d [style=dashed];\n", i)
		}
	}
	return text + g.edges("    n%d -> n%d;\n") + "}\n"
}

// edges writes each edge, from what is read to what reads it, by the places of the two in the graph.
func (g Graph) edges(format string) (text string) {
	for _, e := range g.Edges() {
		text += fmt.Sprintf(format, e[0], e[1])
	}
	return text
}

// Edges are the places in the graph of what is read and of what reads it.
func (g Graph) Edges() (edges [][2]int) {
	for i, n := range g {
		for _, input := range n.Inputs {
			edges = append(edges, [2]int{slices.Index(g, input), i})
		}
	}
	return edges
}
