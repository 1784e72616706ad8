package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
)

func (p *program) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [VIEW]",
		Short: "Show all about one view, or the list of all",
		Long: `Shows the definition of a view, how fresh it is, when it is due, and what its last run did or failed for. Without a
view it shows what list shows.`,
		Example: `  cachectl status
  cachectl status bi.sales
  cachectl status bi.sales --json`,
		Args:              takes(0, 1),
		ValidArgsFunction: p.completeViews(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.inCatalog(cmd.Context(), func(s *connection) error {
					return doing(s.listViews(cmd.Context(), asJSON), "show status")
				})
			}
			name, err := viewName(args[0])
			if err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.showView(cmd.Context(), name, asJSON), "show status of %s", name)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *connection) showView(ctx context.Context, name catalog.Name, asJSON bool) error {
	record, err := s.detail(ctx, name)
	if err != nil {
		return err
	}
	if asJSON {
		return s.printJSON(record)
	}
	return s.printFacts(describe(record))
}

// detail reads all that there is to know about one view.
func (s *connection) detail(ctx context.Context, name catalog.Name) (viewRecord, error) {
	var status catalog.Status
	var link catalog.LinkState
	err := s.atOnce(ctx, func(s *connection) error {
		view, err := s.store.View(ctx, name)
		if err != nil {
			return err
		}
		all, err := s.store.Status(ctx)
		if err != nil {
			return err
		}
		status = all[slices.IndexFunc(all, func(s catalog.Status) bool { return s.View.ID == view.ID })]
		link, err = s.linkState(ctx, view.Link)
		return err
	})
	if err != nil {
		return viewRecord{}, err
	}
	busy, err := s.holders(ctx)
	return recordView(status, link, busy), err
}
