package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

type refreshOptions struct {
	names        []catalog.Name
	all, full    bool
	wait         duration
	strategy     catalog.Strategy
	dryRun, json bool
}

func (p *program) refreshCommand() *cobra.Command {
	var o refreshOptions
	cmd := &cobra.Command{
		Use:   "refresh VIEW… | --all",
		Short: "Refresh views now",
		Long: `Refreshes the views one after the other. A view that somebody else is refreshing is skipped, and its holder is named:
that is an outcome, not a failure. When one fails, the others are still tried, and the exit status is 1.`,
		Example: `  cachectl refresh bi.sales
  cachectl refresh bi.sales bi.events --wait 30s
  cachectl refresh --all --json`,
		Args:              takes(0, -1),
		ValidArgsFunction: p.completeViews(-1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(args); err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *session) error { return s.refresh(cmd.Context(), o) })
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "refresh every view")
	f.Var(&o.wait, "wait", "wait for somebody else's refresh to end, instead of skipping the view")
	f.Var(oneOf[catalog.Strategy]{&o.strategy, catalog.Strategies}, "strategy",
		"nonconcurrent or concurrent, this once, whatever the definition says")
	f.BoolVar(&o.full, "full", false, "read everything, whatever the watermark says; this also finds deleted rows")
	f.BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	f.BoolVar(&o.json, "json", false, jsonHelp)
	_ = cmd.RegisterFlagCompletionFunc("strategy", words(catalog.Strategies...)) // the flag exists
	return cmd
}

func (o *refreshOptions) check(args []string) error {
	switch {
	case o.all && len(args) > 0:
		return usagef("", "--all and names of views exclude each other")
	case !o.all && len(args) == 0:
		return usagef("name views, or write --all", "no view was named")
	}
	for _, arg := range args {
		name, err := viewName(arg)
		if err != nil {
			return err
		}
		o.names = append(o.names, name)
	}
	return nil
}

func (s *session) refresh(ctx context.Context, o refreshOptions) error {
	if o.all {
		var err error
		if o.names, err = s.allViews(ctx); err != nil {
			return doing(err, "refresh all views")
		}
	}
	if o.dryRun {
		return s.planRefresh(ctx, o)
	}
	return s.refreshEach(ctx, o)
}

func (s *session) allViews(ctx context.Context) ([]catalog.Name, error) {
	views, err := s.store.Views(ctx)
	if err != nil {
		return nil, err
	}
	if len(views) == 0 {
		s.tell("no views yet; `cachectl add-view` makes one")
	}
	names := make([]catalog.Name, len(views))
	for i, v := range views {
		names[i] = v.Name
	}
	return names, nil
}

// refreshEach tries all of the views, whatever becomes of each. A single one's failure is reported by the caller.
func (s *session) refreshEach(ctx context.Context, o refreshOptions) error {
	runs, failed := []runRecord{}, []string(nil)
	var err error
	for i, name := range o.names {
		var run catalog.Run
		if run, err = s.refreshOne(ctx, name, i, o); run.ID != 0 {
			runs = append(runs, recordRun(run))
		}
		if err != nil {
			failed = append(failed, name.String())
		}
		if ctx.Err() != nil {
			if err == nil && i+1 < len(o.names) { // between two views
				err = doing(context.Cause(ctx), "refresh view %s", o.names[i+1])
			}
			break
		}
		if err != nil && len(o.names) > 1 {
			s.fail(ctx, err)
		}
	}
	if o.json {
		if err := s.printJSON(runs); err != nil {
			return err
		}
	}
	if len(failed) == 0 || len(o.names) == 1 || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("refresh: %d of %d views failed: %s", len(failed), len(o.names), strings.Join(failed, ", "))
}

func (s *session) refreshOne(ctx context.Context, name catalog.Name, i int, o refreshOptions) (catalog.Run, error) {
	what := "refresh view " + name.String()
	label := what
	if len(o.names) > 1 {
		label = fmt.Sprintf("%s (%d/%d)", what, i+1, len(o.names))
	}
	show := s.watch(label, s.lastTook(ctx, name))
	run, err := s.runner().Refresh(ctx, refresh.Request{
		View: name, Strategy: o.strategy, Whole: o.full, Wait: time.Duration(o.wait), Progress: show.phase,
	})
	show.stop()
	s.note(run)
	if err != nil || o.json {
		return run, doing(err, "%s", what)
	}
	if run.State == catalog.Skipped {
		return run, s.printf("%s: skipped, held by %s\n", name, text(run.Holder))
	}
	return run, s.printf("%s: %s\n", name, outcome(run))
}

// lastTook is what the last success took, as an estimate; zero when there was none.
func (s *session) lastTook(ctx context.Context, name catalog.Name) time.Duration {
	const look = 20
	view, err := s.store.View(ctx, name)
	if err != nil {
		return 0 // whoever needs the view will say why it cannot be had
	}
	runs, err := s.store.Runs(ctx, &view.ID, look)
	if err != nil {
		return 0
	}
	for _, run := range runs {
		if run.State == catalog.Succeeded {
			return run.Took()
		}
	}
	return 0
}

func (s *session) planRefresh(ctx context.Context, o refreshOptions) error {
	plan := []stepRecord{}
	for _, name := range o.names {
		steps, err := s.runner().Plan(ctx, refresh.Request{View: name, Strategy: o.strategy, Whole: o.full})
		if err != nil {
			return doing(err, "refresh view %s", name)
		}
		plan = append(plan, planOf("view "+name.String(), steps)...)
	}
	return s.printPlan(plan, o.json)
}
