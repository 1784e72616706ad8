package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/internal/wire"
)

type runsOptions struct {
	view  *catalog.Name // nil: of all views
	limit int
	json  bool
}

func (p *program) runsCommand() *cobra.Command {
	var o runsOptions
	cmd := &cobra.Command{
		Use:   "runs [VIEW]",
		Short: "Show the history of refreshes, newest first",
		Long: `Shows attempts to refresh one view, or any, newest first: how they ended, how long they took, how many rows they read,
inserted, updated and deleted, and the error, who held the view when it was skipped or that its source was not ready, or
what else was out of the ordinary.`,
		Example: `  cachectl runs
  cachectl runs bi.sales --limit 100
  cachectl runs --json`,
		Args:              takes(0, 1),
		ValidArgsFunction: p.completeViews(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.limit < 1 {
				return usagef("", "--limit is less than 1")
			}
			what := "show runs"
			if len(args) == 1 {
				name, err := viewName(args[0])
				if err != nil {
					return err
				}
				o.view, what = &name, "show runs of "+name.String()
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.runs(cmd.Context(), o), "%s", what)
			})
		},
	}
	cmd.Flags().IntVar(&o.limit, "limit", 20, "`number` of runs to show")
	cmd.Flags().BoolVar(&o.json, "json", false, jsonHelp)
	return cmd
}

func (s *connection) runs(ctx context.Context, o runsOptions) error {
	var id *int32
	if o.view != nil {
		known, err := s.store.ViewID(ctx, *o.view)
		if err != nil {
			return err
		}
		id = &known
	}
	runs, err := s.store.Runs(ctx, id, o.limit)
	if err != nil {
		return err
	}
	records, rows := []wire.Run{}, [][]string{}
	for _, r := range runs {
		records = append(records, wire.RunOf(r))
		took := "-"
		if r.FinishedAt != nil && (r.State != catalog.Skipped || r.Unready()) {
			took = brief(r.Took())
		}
		rows = append(rows, []string{
			strconv.FormatInt(r.ID, 10), r.View.String(), string(r.State), instant(&r.StartedAt), took, text(r.RowsRead),
			text(r.RowsInserted), text(r.RowsUpdated), text(r.RowsDeleted), r.Application, note(r),
		})
	}
	if o.json {
		return s.printJSON(records)
	}
	headings := []string{"RUN", "VIEW", "STATE", "STARTED", "TOOK", "READ", "INS", "UPD", "DEL", "BY", "NOTE"}
	return s.printTable("no runs yet", table{headings: headings, rows: rows, spare: []string{"BY", "RUN", "READ"}})
}

func note(r catalog.Run) string {
	switch {
	case r.Error != nil:
		return *r.Error
	case r.Holder != nil:
		return "held by " + *r.Holder
	case r.Reason != nil:
		return *r.Reason
	}
	return ""
}
