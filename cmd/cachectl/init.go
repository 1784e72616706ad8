package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
)

type initOptions struct{ dryRun, json bool }

func (p *program) initCommand() *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make or update the catalog in the cache database",
		Long: `Makes the schemas redcache and redcache_data, or brings them to the version of this program. It can be run at any
time, also by two at once, and changes nothing when there is nothing to do. Run it as the role that shall own the cache.`,
		Example: `  cachectl init --dry-run
  cachectl init`,
		Args:              takes(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.connected(cmd.Context(), func(s *connection) error {
				return doing(s.init(cmd.Context(), o), "init")
			})
		},
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	cmd.Flags().BoolVar(&o.json, "json", false, jsonHelp)
	return cmd
}

func (s *connection) init(ctx context.Context, o initOptions) error {
	if o.dryRun {
		steps, err := migrate.Plan(ctx, s.pool)
		if err != nil {
			return err
		}
		return s.printPlan(planOf("schema redcache", steps), o.json)
	}
	applied, err := migrate.UpTelling(ctx, s.pool, func(who string) {
		s.tell("init waits until nobody uses the catalog; it is in use by %s", who)
	})
	if err != nil {
		return err
	}
	version, err := migrate.Version(ctx, s.pool)
	if err != nil {
		return err
	}
	s.adviseExtensions(ctx)
	record := initRecord{Version: version, Applied: []string{}}
	for _, m := range applied {
		record.Applied = append(record.Applied, m.Name)
	}
	switch {
	case o.json:
		return s.printJSON(record)
	case len(applied) == 0:
		return s.printf("schema redcache is up to date at version %d\n", version)
	}
	return s.printf("schema redcache is now at version %d\n", version)
}

// adviseExtensions says early what the first link would fail for. The catalog does without.
func (s *connection) adviseExtensions(ctx context.Context) {
	if _, err := dblink.Extensions(ctx, infra.Pinned(s.pool)); err != nil {
		s.tell("note: links cannot be made yet: %s", errorText(err))
		if advice := hint(err); advice != "" {
			s.tell("hint: %s", advice)
		}
	}
}
