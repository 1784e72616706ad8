package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
)

type dropViewOptions struct{ dryRun, json bool }

func (p *program) dropViewCommand() *cobra.Command {
	var o dropViewOptions
	cmd := &cobra.Command{
		Use:   "drop-view VIEW",
		Short: "Drop a view with its rows and its history",
		Long: `Drops the view, its rows, its definition and its history. Fails, and changes nothing, when other objects depend on
the view. A refresh that is under way is waited for.`,
		Example: `  cachectl drop-view bi.sales --dry-run
  cachectl drop-view bi.sales`,
		Args:              takes(1, 1),
		ValidArgsFunction: p.completeViews(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := viewName(args[0])
			if err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.dropView(cmd.Context(), name, o), "drop view %s", name)
			})
		},
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	cmd.Flags().BoolVar(&o.json, "json", false, jsonHelp)
	return cmd
}

func (s *connection) dropView(ctx context.Context, name catalog.Name, o dropViewOptions) error {
	if o.dryRun {
		steps, err := s.definer().PlanDrop(ctx, name)
		if err != nil {
			return err
		}
		return s.printPlan(planOf("view "+name.String(), steps), o.json)
	}
	show := s.watch("drop view "+name.String(), "", neverTook)
	err := s.definer().Telling(show.phase).Drop(ctx, name)
	show.stop()
	if err != nil {
		return err
	}
	if o.json {
		return s.printJSON(removalRecord{Kind: "view", Name: name.String()})
	}
	return s.printf("view %s dropped\n", name)
}
