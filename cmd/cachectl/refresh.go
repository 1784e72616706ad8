package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/internal/wire"
	"github.com/redcache/redcache/refresh"
)

type refreshOptions struct {
	names        []catalog.Name
	all, full    bool
	group        string
	wait         duration
	strategy     catalog.Strategy
	allowShrink  percent
	dryRun, json bool
}

func (p *program) refreshCommand() *cobra.Command {
	var o refreshOptions
	cmd := &cobra.Command{
		Use:   "refresh VIEW… | --group NAME | --all",
		Short: "Refresh views now",
		Long: `Refreshes the views one after the other, but those of a group together: to name one is to name all. A view that
somebody else is refreshing is skipped, and its holder is named: that is an outcome, not a failure. So is a view that
is unchanged, see --skip-unchanged of add-view, and one whose source is not ready, see --ready-when, which --full asks as
well. When one fails, the others are still tried, and the exit status is 1.`,
		Example: `  cachectl refresh bi.sales
  cachectl refresh bi.sales bi.events --wait 30s
  cachectl refresh --group finance
  cachectl refresh bi.stock --allow-shrink 100
  cachectl refresh --all --json`,
		Args:              takes(0, -1),
		ValidArgsFunction: p.completeViews(-1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(args, cmd.Flags().Changed("group")); err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error { return s.refresh(cmd.Context(), o) })
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.all, "all", false, "refresh every view, each behind what it is computed from")
	f.StringVar(&o.group, "group", "", "refresh the views of the group of this `name`")
	f.Var(&o.wait, "wait", "wait for somebody else's refresh to end, instead of skipping the view")
	f.Var(oneOf[catalog.Strategy]{&o.strategy, catalog.Strategies}, "strategy",
		"another strategy, this once: nonconcurrent or concurrent instead of one "+
			"another; swap, merge or auto where rows are kept in a table")
	f.Var(&o.allowShrink, "allow-shrink", "let this refresh lose more of the rows than the definition does; 100: all of them")
	f.BoolVar(&o.full, "full", false, "read everything, whatever the watermark says and whatever may prove that nothing "+
		"has changed; this also finds deleted rows")
	f.BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	f.BoolVar(&o.json, "json", false, jsonHelp)
	_ = cmd.RegisterFlagCompletionFunc("strategy", words(catalog.Strategies...)) // the flags exist
	_ = cmd.RegisterFlagCompletionFunc("group", p.completeGroups)
	return cmd
}

func (o *refreshOptions) check(args []string, grouped bool) error {
	switch {
	case o.all && len(args) > 0:
		return usagef("", "--all and names of views exclude each other")
	case grouped && (o.all || len(args) > 0):
		return usagef("", "--group, --all and names of views exclude each other")
	case grouped && o.group == "":
		return usagef("`cachectl list` shows the groups", "--group names no group")
	case !o.all && !grouped && len(args) == 0:
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

func (s *connection) refresh(ctx context.Context, o refreshOptions) error {
	batches, err := s.batches(ctx, o)
	if err != nil {
		return err
	}
	if o.dryRun {
		return s.planRefresh(ctx, batches, o)
	}
	return s.refreshEach(ctx, batches, o)
}

// refreshEach tries all of the batches, whatever becomes of each. A single one's failure is reported by the caller.
func (s *connection) refreshEach(ctx context.Context, batches []batch, o refreshOptions) error {
	records, failed := []wire.Run{}, []string(nil)
	var err error
	for i, b := range batches {
		if ctx.Err() != nil {
			if err == nil { // between two
				err = doing(context.Cause(ctx), "refresh view %s", b.names[0])
			}
			break
		}
		var runs []catalog.Run
		runs, err = s.refreshOne(ctx, b, progressOf(i, batches), o)
		for _, run := range runs {
			records = append(records, wire.RunOf(run))
		}
		if err == nil {
			continue
		}
		failed = append(failed, b.String())
		if ctx.Err() == nil && len(batches) > 1 {
			s.fail(ctx, err)
		}
	}
	if o.json {
		if err := s.printJSON(records); err != nil {
			return err
		}
	}
	if len(failed) == 0 || len(batches) == 1 || ctx.Err() != nil {
		return err
	}
	return someFailed(failed, batches)
}

func someFailed(failed []string, batches []batch) error {
	return fmt.Errorf("refresh: %d of %d failed: %s", len(failed), len(batches), strings.Join(failed, ", "))
}

// refreshOne refreshes a batch, and returns a run for each of its views, as far as there are any.
func (s *connection) refreshOne(ctx context.Context, b batch, progress string, o refreshOptions) ([]catalog.Run, error) {
	name := b.names[0]
	what := "refresh view " + name.String()
	show := s.watch(what, progress, func() time.Duration { return s.lastTook(ctx, name) })
	run, err := s.runner.Refresh(ctx, refresh.Request{
		View: name, Strategy: o.strategy, Whole: o.full, AllowShrink: int(o.allowShrink), Wait: time.Duration(o.wait),
		Progress: show.phase,
	})
	show.stop()
	s.note(run)
	runs := run.Others
	if run.ID != 0 {
		runs = slices.Insert(runs, 0, run)
	}
	if err != nil || o.json {
		return runs, doing(err, "%s", what)
	}
	return runs, s.printOutcomes(runs)
}

func progressOf(i int, batches []batch) string {
	if len(batches) == 1 {
		return ""
	}
	return fmt.Sprintf(" (%d/%d)", i+1, len(batches))
}

// lastTook is what the last success took, as an estimate; zero when there was none.
func (s *connection) lastTook(ctx context.Context, name catalog.Name) time.Duration {
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

// planRefresh plans all of the batches, as they would be tried.
func (s *connection) planRefresh(ctx context.Context, batches []batch, o refreshOptions) error {
	plan, failed := []stepRecord{}, []string(nil)
	for _, b := range batches {
		steps, err := s.runner.Plan(ctx, refresh.Request{View: b.names[0], Strategy: o.strategy, Whole: o.full})
		err = doing(err, "refresh view %s", b.names[0])
		switch {
		case err == nil:
			plan = append(plan, planOf(b.String(), steps)...)
		case len(batches) == 1 || ctx.Err() != nil:
			return err
		default:
			failed = append(failed, b.String())
			s.fail(ctx, err)
		}
	}
	if len(failed) == 0 {
		return s.printPlan(plan, o.json)
	}
	if o.json || len(plan) > 0 {
		if err := s.printPlan(plan, o.json); err != nil {
			return err
		}
	}
	return someFailed(failed, batches)
}
