package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
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
	left := s.runner.CleanUp(ctx)
	if err := access.RemoveLink(ctx, s.pool, link); err != nil {
		return errors.Join(err, left)
	}
	if o.json {
		return s.printJSON(removalRecord{Kind: "link", Name: name})
	}
	return s.printf("link %s removed\n", name)
}

// planRemoval fails where the removal would, which drops what was left behind before.
func (s *connection) planRemoval(ctx context.Context, link catalog.Link, asJSON bool) error {
	sets, err := s.store.PendingSets(ctx)
	if err != nil {
		return err
	}
	err = infra.InTx(ctx, s.pool, infra.Limits{}, func(tx pgx.Tx) error {
		for _, set := range sets {
			if !set.LeftBehind() {
				continue
			}
			if err := catalog.In(tx).DropSet(ctx, set.ID); err != nil {
				return err
			}
		}
		if err := catalog.In(tx).RemoveLink(ctx, link); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		return err
	}
	var plan []stepRecord
	for _, sql := range dblink.DropSQL(link.Server().Name) {
		plan = append(plan, newStep("link "+link.Name, "drop server", sql))
	}
	return s.printPlan(plan, asJSON)
}
