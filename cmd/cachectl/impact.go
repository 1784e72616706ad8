package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline/lineage"
)

func (p *program) impactCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "impact VIEW[.COLUMN]",
		Short: "Show what is computed from a view, or from one of its columns",
		Long: `Shows the views of the cache that are computed from a view, whatever lies between, each with the inputs by which it is
reached. With a column, shows what becomes of it there: columns that are copied or changed from it, and views of which it
decides which rows there are. This is read from the queries alone: what cannot be said for sure is unknown, with the reason.`,
		Example: `  cachectl impact bi.orders
  cachectl impact bi.orders.amount --json`,
		Args:              takes(1, 1),
		ValidArgsFunction: p.completeViews(1),
		RunE: p.following(func(ctx context.Context, s *connection, view catalog.Name, column string) error {
			return s.impact(ctx, view, column, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *connection) impact(ctx context.Context, name catalog.Name, column string, asJSON bool) error {
	views, err := s.lineages(ctx, name, column)
	if err != nil {
		return err
	}
	records := []impactRecord{}
	for _, r := range views.Forth(relationOf(name)) {
		if column == "" {
			records = append(records, recordReads(r))
		} else {
			records = append(records, recordImpact(r, column)...)
		}
	}
	if asJSON {
		return s.printJSON(records)
	}
	var rows [][]string
	for _, r := range records {
		of := text(r.Column)
		if r.Column == nil {
			of = "(rows)"
		}
		why := strings.Join(r.Through, ", ")
		if r.Unknown != nil {
			why = *r.Unknown
		}
		rows = append(rows, []string{r.View, of, r.How, orDash(why)})
	}
	return s.printTable("nothing is computed from it", table{headings: []string{"VIEW", "COLUMN", "HOW", "BY"}, rows: rows})
}

// impactRecord is one way in which a view, or a column of it, depends on what was asked about.
type impactRecord struct {
	View    string   `json:"view"`
	Column  *string  `json:"column"`
	How     string   `json:"how"`
	Through []string `json:"through"`
	Unknown *string  `json:"unknown"`
}

// reads is how a view as a whole depends on another one.
const reads = "reads"

func recordReads(r lineage.Reached) impactRecord {
	return impactRecord{View: nameOf(r.View), How: reads, Through: through(r)}
}

func recordImpact(r lineage.Reached, column string) (records []impactRecord) {
	say := func(of *string, how, why string) {
		records = append(records, impactRecord{View: nameOf(r.View), Column: of, How: how, Through: through(r), Unknown: some(why)})
	}
	for _, o := range r.Outputs {
		if o.Unknown != "" {
			say(&o.Name, unknown, o.Unknown)
		}
		for _, e := range o.From {
			if e.From.Column == column {
				say(&o.Name, string(e.Kind), "")
			}
		}
	}
	for _, c := range r.Filters {
		if c.Column == column {
			say(nil, filters, "")
		}
	}
	if r.Unknown != "" {
		say(nil, unknown, r.Unknown)
	}
	return records
}

func through(r lineage.Reached) (names []string) {
	for _, input := range r.Through {
		names = append(names, nameOf(input))
	}
	return list(names)
}

func nameOf(r lineage.Relation) string { return catalog.Name{Schema: r.Schema, View: r.Name}.String() }
