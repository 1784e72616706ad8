package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
)

func (p *program) listCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the views with their freshness",
		Long: `Lists every view with its strategy, rows, size on disk, as-of (the instant before which every commit on Redshift is
contained), age, whether that breaks its freshness promise, its last run, whether its link rests, and its group, where
there are groups.`,
		Example: `  cachectl list
  cachectl list --json | jq -r '.[] | select(.stale) | .view'`,
		Args:              takes(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.inCatalog(cmd.Context(), func(s *session) error {
				return doing(s.listViews(cmd.Context(), asJSON), "list views")
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *session) listViews(ctx context.Context, asJSON bool) error {
	all, err := s.store.Status(ctx)
	if err != nil {
		return err
	}
	links, err := s.linkStates(ctx)
	if err != nil {
		return err
	}
	records, rows := []viewRecord{}, [][]string{}
	grouped := slices.ContainsFunc(all, func(s catalog.Status) bool { return s.View.Group != "" })
	for _, status := range all {
		records = append(records, recordView(status, links[status.View.Link.ID]))
		rows = append(rows, []string{
			status.View.Name.String(), string(status.View.Strategy), text(status.Rows), size(status.Bytes),
			instant(status.AsOf), age(status.Age), yesNo(status.Stale), lastRun(status.LastRun) + trouble(status.Problem) + restless(links[status.View.Link.ID]),
		})
		if grouped {
			rows[len(rows)-1] = append(rows[len(rows)-1], text(some(status.View.Group)))
		}
	}
	if asJSON {
		return s.printJSON(records)
	}
	headings := []string{"VIEW", "STRATEGY", "ROWS", "SIZE", "AS OF", "AGE", "STALE", "LAST RUN"}
	if grouped {
		headings = append(headings, "GROUP")
	}
	return s.printTable("no views yet; `cachectl add-view` makes one",
		table{headings: headings, rows: rows, spare: []string{"AS OF", "SIZE", "STRATEGY"}})
}

// trouble says that readers do not find what is refreshed.
func trouble(problem string) string {
	if problem == "" {
		return ""
	}
	return "; view: " + problem
}

func yesNo(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func lastRun(r *catalog.Run) string {
	switch {
	case r == nil:
		return "-"
	case r.FinishedAt == nil:
		return string(r.State)
	}
	return string(r.State) + " in " + brief(r.Took())
}
