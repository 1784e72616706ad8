package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

func (p *program) linkTestCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "test NAME",
		Short: "Open a session through a link",
		Long:  `Has the cache database open a session on Redshift through the link, and read one row.`,
		Example: `  cachectl link test dw
  cachectl link test dw --json`,
		Args:              takes(1, 1),
		ValidArgsFunction: p.completeLinks,
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.inCatalog(cmd.Context(), func(s *session) error {
				return doing(s.testLink(cmd.Context(), args[0], asJSON), "test link %s", args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *session) testLink(ctx context.Context, name string, asJSON bool) error {
	link, err := s.store.Link(ctx, name)
	if err != nil {
		return err
	}
	start := time.Now()
	err = infra.InTx(ctx, s.pool, infra.Limits{}, func(tx pgx.Tx) error { return catalog.TryLink(ctx, tx, link) })
	if err != nil {
		return err
	}
	took := time.Since(start)
	if asJSON {
		return s.printJSON(linkTestRecord{Link: name, Took: secondsOf(took)})
	}
	return s.printf("link %s works: %s answered in %s\n", name, link.Database, brief(took))
}
