package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline"
)

func (p *program) addViewCommand() *cobra.Command {
	var d definition
	cmd := &cobra.Command{
		Use:                   "add-view NAME --link LINK|--source cache (--query Q|--table S.T)",
		DisableFlagsInUseLine: true,
		Short:                 "Cache the result of a query under a name",
		Long: `Describes the query through the link, makes and fills the cached view, and publishes it under the name that
applications query. When any of it fails, nothing has changed.

With --source cache the query is run in the cache database and reads other views of the cache, each as SCHEMA.NAME.
Such a view is as old as the oldest of them, and they cannot be dropped before it. With --strategy live it keeps no
rows: they are computed whenever it is read, it is always as fresh as what it reads, and nothing is refreshed.

Without --strategy, a view with --watermark is incremental, one with --key is concurrent, and any other is
nonconcurrent; one over other views of the cache is swap.`,
		Example: `  cachectl add-view bi.sales --link dw --table public.sales --key id \
    --every 5m --max-age 15m
  cachectl add-view bi.events --link dw --query-file events.sql --key id \
    --watermark updated_at --every 1m
  cachectl add-view 'bi."Net Sales"' --link dw \
    --query "select region, sum(net) as net from sales group by 1" \
    --index "region" --grant dashboard
  cachectl add-view bi.totals --source cache \
    --query "select region, sum(net) as net from bi.sales group by region"`,
		Args:              takes(1, 1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := viewName(args[0])
			if err != nil {
				return err
			}
			v, err := d.newView(name, p.stdin)
			if err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.addView(cmd.Context(), v, d), "add view %s", name)
			})
		},
	}
	cmd.Flags().StringVar(&d.link, "link", "", "`name` of the link to read through")
	d.register(cmd)
	_ = cmd.RegisterFlagCompletionFunc("link", p.completeLinks) // the flags exist
	_ = cmd.RegisterFlagCompletionFunc("group", p.completeGroups)
	return cmd
}

// newView is the view that add-view was given.
func (d *definition) newView(name catalog.Name, stdin io.Reader) (v catalog.View, err error) {
	switch {
	case d.source == pipeline.FromCache && d.link != "":
		return v, usagef("leave --link out, or choose --source redshift", "--source cache is not read through a link")
	case d.source != pipeline.FromCache && d.link == "":
		return v, usagef("`cachectl link list` shows the links; what reads other views of the cache needs none: --source cache", "--link is missing")
	case !d.given("query") && !d.given("query-file") && !d.given("table"):
		return v, usagef("", "one of --query, --query-file and --table is needed")
	}
	draft, err := d.draft(stdin)
	if err != nil {
		return v, err
	}
	definition, err := draft.Define()
	return catalog.View{Name: name, Definition: definition}, usage(err, "")
}

func (s *connection) addView(ctx context.Context, v catalog.View, d definition) error {
	if d.dryRun {
		steps, err := s.definer().PlanAdd(ctx, v, d.noData)
		if err != nil {
			return err
		}
		return s.printPlan(planOf("view "+v.Name.String(), steps), d.json)
	}
	show := s.watch("add view "+v.Name.String(), "", neverTook)
	run, err := s.definer().Add(ctx, v, d.noData, show.phase)
	show.stop()
	if err != nil {
		return err
	}
	return s.printDefined(ctx, v.Name, "added", run, d)
}

// rowless says whether a view keeps no rows.
func (s *connection) rowless(ctx context.Context, name catalog.Name) bool {
	v, err := s.store.View(ctx, name)
	return err == nil && v.Rowless()
}

// printDefined shows what became of a view that was added or altered.
func (s *connection) printDefined(ctx context.Context, name catalog.Name, done string, run catalog.Run, d definition) error {
	s.note(run)
	if d.json {
		record, err := s.detail(ctx, name)
		if err != nil {
			return err
		}
		return s.printJSON(record)
	}
	switch {
	case run.State == catalog.Succeeded:
		err := s.printf("view %s %s: %s\n", name, done, outcome(run))
		return errors.Join(err, s.printOutcomes(run.Others))
	case run.State == catalog.Skipped:
		return s.printf("view %s %s; %s is filling it now\n", name, done, text(run.Holder))
	case d.noData && !s.rowless(ctx, name):
		return s.printf("view %s %s, without data: the next refresh fills it\n", name, done)
	}
	return s.printf("view %s %s\n", name, done)
}
