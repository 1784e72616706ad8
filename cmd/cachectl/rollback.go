package main

import (
	"context"
	"math"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/refresh"
)

type rollbackOptions struct{ allowBreaking, dryRun, json bool }

func (p *program) rollbackCommand() *cobra.Command {
	var o rollbackOptions
	cmd := &cobra.Command{
		Use:   "rollback [SET]",
		Short: "Have readers see again what they saw before an apply",
		Long: `Undoes a set of changes that ` + "`apply`" + ` has made, in one moment: readers see the rows that they saw before, which
were kept, views that it has added go, and what it has changed in the catalog alone is as it was. Views that it has dropped
stay away. Without a number it is the last one that keeps rows, so never one that has only added views. Nothing is read, so the rows are as old as they are: the
output says of which moment, and views with an interval are due at once.

It refuses when one of the views was changed since, and, as ` + "`apply`" + ` does, what breaks something for readers, such as a
column or a view that goes, unless --allow-breaking is given. Afterwards the files that were applied are ahead of what is there:
` + "`plan`" + ` shows how far.`,
		Example: `  cachectl rollback --dry-run
  cachectl rollback
  cachectl rollback 12 --json | jq -r '.views[] | .view + " " + .what'`,
		Args: takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set := 0
			if len(args) == 1 {
				var err error
				if set, err = strconv.Atoi(args[0]); err != nil || set < 1 || set > math.MaxInt32 {
					return usagef("", "%q is no number of a set", args[0])
				}
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.rollback(cmd.Context(), int32(set), o), "roll back")
			})
		},
	}
	cmd.Flags().BoolVar(&o.allowBreaking, "allow-breaking", false, "also what breaks something for readers")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	cmd.Flags().BoolVar(&o.json, "json", false, jsonHelp)
	return cmd
}

func (s *connection) rollback(ctx context.Context, set int32, o rollbackOptions) error {
	if o.dryRun {
		steps, err := s.definer().PlanRollback(ctx, set)
		if err != nil {
			return err
		}
		return s.printPlan(planOf("rollback", steps), o.json)
	}
	show := s.watch("roll back", "", neverTook)
	from, views, err := s.definer().Telling(show.phase).Judging(func(described []refresh.Described) error {
		if o.allowBreaking {
			return nil
		}
		return unbroken(pipeline.PlanOf(described), "With --allow-breaking it is done all the same.")
	}).Rollback(ctx, set)
	show.stop()
	if err != nil {
		return err
	}
	return s.printRollback(from, views, o.json)
}

// undoTold says what has become of a view that readers have gone back from.
var undoTold = map[catalog.UndoKind]string{
	catalog.UndoDrop: "dropped, as it was added", catalog.UndoPoint: "shows what it showed before",
	catalog.UndoRedefine: "has its definition from before", catalog.UndoNothing: "stays dropped",
}

func (s *connection) printRollback(from catalog.KeptSet, views []refresh.WentBack, asJSON bool) error {
	record, rows := rollbackRecord{Set: from.ID, Views: []wentBackRecord{}}, [][]string{}
	for _, v := range views {
		record.Views = append(record.Views, wentBackRecord{View: v.Name.String(), What: v.What, AsOf: utc(v.AsOf)})
		rows = append(rows, []string{v.Name.String(), undoTold[v.What], instant(v.AsOf)})
	}
	if asJSON {
		return s.printJSON(record)
	}
	if err := s.printf("set %d is undone\n", from.ID); err != nil {
		return err
	}
	return s.printTable("", table{headings: []string{"VIEW", "NOW", "AS OF"}, rows: rows})
}
