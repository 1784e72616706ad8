package main

import (
	"context"
	"regexp"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

func (p *program) alterViewCommand() *cobra.Command {
	var d definition
	cmd := &cobra.Command{
		Use:   "alter-view VIEW",
		Short: "Change the definition of a view",
		Long: `Changes what is given and leaves the rest. --key, --index and --grant replace the whole list; '' empties it.

With --source cache it reads other views of the cache from then on, and is not read through a link any more; with
--source redshift, through --link.

What only says when and for whom the view is refreshed takes effect at once. Anything else builds a new copy beside
the old one; readers go on with the old rows until it is complete. When that fails, the old definition stays.`,
		Example: `  cachectl alter-view bi.sales --every 1m --max-age 5m
  cachectl alter-view bi.sales --every 0
  cachectl alter-view bi.sales --strategy incremental --watermark updated_at
  cachectl alter-view bi.sales --describe`,
		Args:              takes(1, 1),
		ValidArgsFunction: p.completeViews(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := viewName(args[0])
			if err != nil {
				return err
			}
			if !d.changes(cmd.Flags()) {
				return usagef(infra.Command("cachectl", "status", name.String())+" shows the definition", "nothing to change was given")
			}
			draft, err := d.draft(p.stdin)
			if err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.alterView(cmd.Context(), name, draft, d), "alter view %s", name)
			})
		},
	}
	cmd.Flags().StringVar(&d.link, "link", "", "`name` of another link to read through")
	d.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("link", p.completeLinks) // the flags exist
	_ = cmd.RegisterFlagCompletionFunc("group", p.completeGroups)
	cmd.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = defaults.ReplaceAllString(f.Usage, "") })
	cmd.Flags().BoolVar(&d.describe, "describe", false, "describe the query again, after columns of the source have changed")
	return cmd
}

// defaults are what a flag that is left out means to add-view. To alter-view, it leaves things as they are.
var defaults = regexp.MustCompile(`\s*\(default [^)]*\)`)

func (s *connection) alterView(ctx context.Context, name catalog.Name, draft catalog.Draft, d definition) error {
	change := func(v *catalog.View) (err error) {
		v.Definition, err = draft.Change(v.Definition)
		return err
	}
	definer := s.definer()
	if d.given("grant") {
		definer = definer.Granting()
	}
	if d.dryRun {
		steps, err := definer.PlanAlter(ctx, name, change, d.noData)
		if err != nil {
			return err
		}
		return s.printPlan(planOf("view "+name.String(), steps), d.json)
	}
	before, _ := s.store.View(ctx, name) // Alter says what is wrong with it
	show := s.watch("alter view "+name.String(), "", func() time.Duration { return s.lastTook(ctx, name) })
	run, err := definer.Alter(ctx, name, change, d.noData, show.phase)
	show.stop()
	if err != nil {
		return err
	}
	if after, err := s.store.View(ctx, name); err == nil {
		for _, change := range catalog.ColumnChanges(before.Columns, after.Columns) {
			s.tell("view %s: %s", name, change)
		}
	}
	return s.printDefined(ctx, name, "altered", run, d)
}
