package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/internal/screen"
	"github.com/redcache/redcache/pipeline/graph"
	"github.com/redcache/redcache/pipeline/lineage"
)

// graphFormats are the forms of a graph.
var graphFormats = []string{"text", "mermaid", "dot", "svg", "json"}

func (p *program) graphCommand() *cobra.Command {
	format, asJSON, columns := "text", false, false
	cmd := &cobra.Command{
		Use:   "graph [VIEW]",
		Short: "Show which views read which, down to the tables of Redshift",
		Long: `Shows the graph of the views that are there: tables of Redshift, the remote views that read them, and the local views
that read those. With a view, only what it reads and what reads it, whatever lies between. As text, each view stands with what
it reads below it, further in; what was shown further up already is not shown again. With --columns, each view also has where its
columns come from, down to Redshift.`,
		Example: `  cachectl graph
  cachectl graph bi.sales
  cachectl graph --format svg > graph.svg`,
		Args:              takes(0, 1),
		ValidArgsFunction: p.completeViews(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var name *catalog.Name
			if len(args) > 0 {
				parsed, err := viewName(args[0])
				if err != nil {
					return err
				}
				name = &parsed
			}
			if asJSON {
				format = "json"
			}
			if columns && format != "text" && format != "json" {
				return usagef("", "--columns is for text and json; a picture would have no room for them")
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.graph(cmd.Context(), name, format, columns), "show graph")
			})
		},
	}
	cmd.Flags().Var(oneOf[string]{&format, graphFormats}, "format", "text, mermaid, dot (of Graphviz), svg (a picture for a browser) or json")
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	cmd.Flags().BoolVar(&columns, "columns", false, "show where the columns of each view come from; as text or json")
	_ = cmd.RegisterFlagCompletionFunc("format", words(graphFormats...)) // the flag exists
	return cmd
}

func (s *connection) graph(ctx context.Context, name *catalog.Name, format string, columns bool) error {
	var g graph.Graph
	var from map[lineage.Relation]lineage.Lineage
	err := s.atOnce(ctx, func(s *connection) error {
		views, err := s.viewsWith(ctx, name)
		if g = graph.Of(views); err != nil || !columns {
			return err
		}
		followed, err := s.follow(ctx, views)
		from = followed.All()
		return err
	})
	if err != nil {
		return err
	}
	if name != nil {
		g = g.Around(*name)
	}
	switch format {
	case "json":
		return s.printJSON(recordGraph(g, from))
	case "mermaid":
		return s.printf("%s", lines(g.Mermaid()))
	case "dot":
		return s.printf("%s", lines(g.Dot()))
	case "svg":
		return s.printf("%s", lines(g.SVG()))
	}
	if len(g) == 0 {
		s.tell("no views yet; `cachectl add-view` makes one")
	}
	return s.printf("%s", lines(treeOf(g, source, from)))
}

// viewsWith are all views, of which one has to be there.
func (s *connection) viewsWith(ctx context.Context, name *catalog.Name) ([]catalog.View, error) {
	if name != nil {
		if _, err := s.store.View(ctx, *name); err != nil {
			return nil, err
		}
	}
	return s.store.Views(ctx)
}

// The tree keeps to the width of a terminal of old, however deep it is.
const (
	treeColumns = 80
	treeIndent  = 2
	treeDeepest = 40
)

// treeOf has below each view what it reads, each once, beginning with what nobody reads, and what is said of each beside it.
func treeOf(g graph.Graph, said func(*graph.Node) string, from map[lineage.Relation]lineage.Lineage) string {
	t := tree{shown: map[*graph.Node]bool{}, said: said, from: from}
	for _, n := range g {
		if len(n.Readers) == 0 {
			t.add(n, 0)
		}
	}
	return t.text.String()
}

type tree struct {
	text  strings.Builder
	shown map[*graph.Node]bool
	said  func(*graph.Node) string
	from  map[lineage.Relation]lineage.Lineage // of the views, where their columns are to be shown
}

func (t *tree) add(n *graph.Node, depth int) {
	again := t.shown[n] && len(n.Inputs) > 0
	t.shown[n] = true
	if again {
		t.line(depth, n.Name+"  see above")
		return
	}
	t.line(depth, n.Name+"  "+t.said(n))
	if n.View != nil && t.from != nil {
		for _, r := range recordLineage(t.from[relationOf(n.View.Name)], "") {
			t.line(depth+1, r.told())
		}
	}
	for _, input := range n.Inputs {
		t.add(input, depth+1)
	}
	if n.Unknown != "" {
		t.line(depth+1, "?  "+n.Unknown)
	}
}

// source is where the rows of a node come from.
func source(n *graph.Node) string {
	switch n.Kind {
	case graph.Table:
		return "on Redshift"
	case graph.Remote:
		return "through " + n.Link
	}
	return "local"
}

// line writes a line, and what is too long for it further in, below.
func (t *tree) line(depth int, text string) {
	indent := min(depth*treeIndent, treeDeepest)
	for i, part := range screen.Chunks(printable(text), treeColumns-indent-treeIndent) {
		if i > 0 {
			part = strings.Repeat(" ", treeIndent) + part
		}
		t.text.WriteString(strings.Repeat(" ", indent) + part + "\n")
	}
}

// graphRecord is the graph, as nodes and the edges between their ids.
type graphRecord struct {
	Nodes []nodeRecord `json:"nodes"`
	Edges []edgeRecord `json:"edges"`
}

type nodeRecord struct {
	ID      int             `json:"id"`
	Kind    graph.Kind      `json:"kind"`
	Name    string          `json:"name"`
	Link    *string         `json:"link"`
	Unknown *string         `json:"unknown"`
	Lineage []lineageRecord `json:"lineage"`
}

type edgeRecord struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func recordGraph(g graph.Graph, from map[lineage.Relation]lineage.Lineage) graphRecord {
	r := graphRecord{Nodes: []nodeRecord{}, Edges: []edgeRecord{}}
	for i, n := range g {
		node := nodeRecord{ID: i, Kind: n.Kind, Name: n.Name, Link: some(n.Link), Unknown: some(n.Unknown), Lineage: []lineageRecord{}}
		if n.View != nil && from != nil {
			node.Lineage = recordLineage(from[relationOf(n.View.Name)], "")
		}
		r.Nodes = append(r.Nodes, node)
	}
	for _, e := range g.Edges() {
		r.Edges = append(r.Edges, edgeRecord{From: e[0], To: e[1]})
	}
	return r
}
