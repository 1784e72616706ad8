package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
)

func (p *program) statusCommand() *cobra.Command {
	var asJSON, asTree bool
	cmd := &cobra.Command{
		Use:   "status [VIEW]",
		Short: "Show all about one view, or the list of all",
		Long: `Shows the definition of a view, how fresh it is, when it is due, and what its last run did or failed for. Without a
view it shows what list shows. As a tree, each view stands with what it reads below it, and with two lags: how old it is, and,
of a local view, how far behind what it reads, which is what its own refresh would mend.`,
		Example: `  cachectl status
  cachectl status bi.sales
  cachectl status --tree
  cachectl status bi.sales --json`,
		Args:              takes(0, 1),
		ValidArgsFunction: p.completeViews(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case asTree && asJSON:
				return usagef("", "--json and --tree exclude each other")
			case asTree:
				return p.showTree(cmd.Context(), args)
			}
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
	cmd.Flags().BoolVar(&asTree, "tree", false, "show each view with what it reads below it, and how far it is behind")
	return cmd
}

// showTree shows all views, or those around one.
func (p *program) showTree(ctx context.Context, args []string) error {
	var name *catalog.Name
	if len(args) > 0 {
		parsed, err := viewName(args[0])
		if err != nil {
			return err
		}
		name = &parsed
	}
	return p.inCatalog(ctx, func(s *connection) error { return doing(s.statusTree(ctx, name), "show status") })
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
	var behind lags
	err := s.atOnce(ctx, func(s *connection) error {
		view, err := s.store.View(ctx, name)
		if err != nil {
			return err
		}
		all, err := s.store.Status(ctx)
		if err != nil {
			return err
		}
		behind = lagsOf(all)
		status = all[slices.IndexFunc(all, func(s catalog.Status) bool { return s.View.ID == view.ID })]
		link, err = s.linkState(ctx, view.Link)
		return err
	})
	if err != nil {
		return viewRecord{}, err
	}
	busy, err := s.holders(ctx)
	return recordView(status, link, busy, behind), err
}
