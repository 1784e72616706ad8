package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline/lineage"
)

func (p *program) lineageCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "lineage VIEW[.COLUMN]",
		Short: "Show which columns of Redshift a view's columns come from",
		Long: `Follows the columns of a view, or one of them, back to the tables of Redshift: a column is copied, or it is changed,
which is computed from others. Others only decide which rows there are: they filter. This is read from the queries alone, by
a parser that knows most of what Redshift does: what it cannot say for sure is unknown, with the reason.`,
		Example: `  cachectl lineage bi.sales
  cachectl lineage bi.sales.revenue --json`,
		Args:              takes(1, 1),
		ValidArgsFunction: p.completeViews(1),
		RunE: p.following(func(ctx context.Context, s *connection, view catalog.Name, column string) error {
			return s.lineage(ctx, view, column, asJSON)
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

// following runs what follows a view, or one of its columns.
func (p *program) following(
	follow func(ctx context.Context, s *connection, view catalog.Name, column string) error,
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		view, column, err := viewAndColumn(args[0])
		if err != nil {
			return err
		}
		return p.inCatalog(cmd.Context(), func(s *connection) error {
			return doing(follow(cmd.Context(), s, view, column), "follow view %s", view)
		})
	}
}

// viewAndColumn reads the name of a view, or of one of its columns.
func viewAndColumn(text string) (catalog.Name, string, error) {
	name, err := viewName(text)
	i := lastDot(text)
	if err == nil || i < 0 {
		return name, "", err
	}
	view, viewErr := viewName(text[:i])
	column := text[i+1:]
	if quoted := strings.TrimSuffix(strings.TrimPrefix(column, `"`), `"`); len(quoted) == len(column)-2 {
		column = strings.ReplaceAll(quoted, `""`, `"`)
	}
	if viewErr != nil || column == "" {
		return name, "", err
	}
	return view, column, nil
}

// lastDot is the last dot that is outside of quotes; -1 when there is none.
func lastDot(text string) (at int) {
	at = -1
	quoted := false
	for i := range len(text) {
		switch {
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '.' && !quoted:
			at = i
		}
	}
	return at
}

func (s *connection) lineage(ctx context.Context, name catalog.Name, column string, asJSON bool) error {
	views, err := s.lineages(ctx, name, column)
	if err != nil {
		return err
	}
	return s.printLineage(recordLineage(views.Back(relationOf(name)), column), asJSON)
}

// lineages are all views, of which one has to be there, with that column if one is named.
func (s *connection) lineages(ctx context.Context, name catalog.Name, column string) (lineage.Views, error) {
	views, err := s.followed(ctx, &name)
	if err != nil {
		return nil, err
	}
	if column != "" && !slices.Contains(views[relationOf(name)].Columns, column) {
		return nil, &catalog.InvalidError{What: "view " + name.String(), Problem: "it has no column " + column, Fix: "`cachectl status " + name.String() + "` shows its query"}
	}
	return views, nil
}

func (s *connection) printLineage(records []lineageRecord, asJSON bool) error {
	if asJSON {
		return s.printJSON(records)
	}
	var rows [][]string
	for _, r := range records {
		rows = append(rows, r.row())
	}
	return s.printTable("no column of another relation decides what it shows", table{headings: []string{"COLUMN", "HOW", "FROM"}, rows: rows})
}

// lineageRecord is one way in which a column, or which rows there are, depends on a column of Redshift.
type lineageRecord struct {
	Column  *string `json:"column"`
	How     string  `json:"how"`
	From    *string `json:"from"`
	Unknown *string `json:"unknown"`
}

// row is the record for a table: the column, how it comes, and from what or why nobody can say.
func (r lineageRecord) row() []string {
	column, from := text(r.Column), text(r.From)
	if r.Column == nil {
		column = "(rows)"
	}
	if r.Unknown != nil {
		from = *r.Unknown
	}
	return []string{column, r.How, from}
}

// told is the record in a line below that of its view.
func (r lineageRecord) told() string {
	row := r.row()
	switch {
	case r.How == nothing:
		return "." + row[0] + "  comes from no column"
	case r.Column != nil:
		row[0] = "." + row[0]
	}
	return strings.Join(row, "  ")
}

// The ways in which a column depends on others, beside those of [lineage.Kind].
const (
	filters = "filters"
	unknown = "unknown"
	nothing = "nothing"
)

func recordLineage(l lineage.Lineage, only string) []lineageRecord {
	records := []lineageRecord{}
	for _, o := range l.Outputs {
		if only != "" && o.Name != only {
			continue
		}
		name := o.Name
		switch {
		case o.Unknown != "":
			records = append(records, lineageRecord{Column: &name, How: unknown, Unknown: some(o.Unknown)})
		case len(o.From) == 0:
			records = append(records, lineageRecord{Column: &name, How: nothing})
		}
		for _, e := range o.From {
			records = append(records, lineageRecord{Column: &name, How: string(e.Kind), From: some(e.From.String())})
		}
	}
	for _, c := range l.Filters {
		records = append(records, lineageRecord{How: filters, From: some(c.String())})
	}
	if l.Unknown != "" {
		records = append(records, lineageRecord{How: unknown, Unknown: some(l.Unknown)})
	}
	return records
}
