package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh"
)

type linkRemoveOptions struct{ dryRun, json bool }

func (p *program) linkRemoveCommand() *cobra.Command {
	var o linkRemoveOptions
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove a link that no view uses",
		Long: `Removes the link with its foreign server and its user mapping. Fails, and changes nothing, while views read from it,
or are being built that are to.`,
		Example: `  cachectl link remove dw --dry-run
  cachectl link remove dw`,
		Args:              takes(1, 1),
		ValidArgsFunction: p.completeLinks,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.removeLink(cmd.Context(), args[0], o), "remove link %s", args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	cmd.Flags().BoolVar(&o.json, "json", false, jsonHelp)
	return cmd
}

func (s *connection) removeLink(ctx context.Context, name string, o linkRemoveOptions) error {
	link, err := s.store.Link(ctx, name)
	if err != nil {
		return err
	}
	if o.dryRun {
		return s.planRemoval(ctx, link, o.json)
	}
	if err := remove(ctx, s.pool, s.runner, link); err != nil {
		return err
	}
	if o.json {
		return s.printJSON(removalRecord{Kind: "link", Name: name})
	}
	return s.printf("link %s removed\n", name)
}

// remove drops what was left behind before: it may be what uses the link.
func remove(ctx context.Context, db infra.Beginner, runner *refresh.Runner, link catalog.Link) error {
	left := runner.CleanUp(ctx)
	if err := access.RemoveLink(ctx, db, link); err != nil {
		return errors.Join(err, left)
	}
	return nil
}

func (s *connection) planRemoval(ctx context.Context, link catalog.Link, asJSON bool) error {
	steps, err := plan.Rehearse(ctx, s.pool, infra.Limits{}, func(r *plan.Rehearsal) error {
		return remove(ctx, r, s.runner.In(r), link)
	})
	if err != nil {
		return err
	}
	return s.printPlan(planOf("link "+link.Name, steps), asJSON)
}
