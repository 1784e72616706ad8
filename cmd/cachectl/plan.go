package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/pipeline"
)

type planOptions struct{ prune, json bool }

func (p *program) planCommand() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan DIR",
		Short: "Say what apply would change, and what that breaks",
		Long: `Holds the *.sql files below a directory against the views that are there, and says of each what changes, how that is
applied (in the catalog alone, or by a rebuild), what readers gain, and what breaks for them: columns that go or change
their type, another key. Redshift and PostgreSQL are asked what the queries return; nothing is changed. A set that
contradicts itself fails. ` + "`apply --dry-run`" + ` prints the SQL, and finds what else depends on a view.

Exit status: 0 nothing would change, 3 something would, 4 something that breaks, 1 failed, 2 wrong usage.`,
		Example: `  cachectl plan pipelines
  cachectl plan pipelines --json | jq -r '.[] | .view + ": " + .breaks[]'`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := p.load(args[0])
			if err != nil {
				return doing(err, "read %s", args[0])
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.plan(cmd.Context(), project, o), "plan %s", args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&o.prune, "prune", false, "plan to drop every view that has no file, whoever has added it")
	cmd.Flags().BoolVar(&o.json, "json", false, jsonHelp)
	return cmd
}

func (s *connection) plan(ctx context.Context, project *pipeline.Project, o planOptions) error {
	changes, err := s.compare(ctx, project, o.prune)
	if err != nil {
		return err
	}
	described, err := s.definer().Describe(ctx, pipeline.Apply(changes))
	if err != nil {
		return err
	}
	planned := pipeline.Plan(changes, described)
	if err := s.printPlanned(planned, o.json); err != nil {
		return err
	}
	switch {
	case slices.ContainsFunc(planned, func(p pipeline.Planned) bool { return len(p.Breaks) > 0 }):
		return foundError{exitBreaks}
	case slices.ContainsFunc(planned, func(p pipeline.Planned) bool { return p.Way != pipeline.ByNothing }):
		return foundError{exitChanges}
	}
	return nil
}

func (s *connection) printPlanned(planned []pipeline.Planned, asJSON bool) error {
	records, rows := []plannedRecord{}, [][]string{}
	for _, p := range planned {
		record := recordPlanned(p)
		records = append(records, record)
		rows = append(rows, []string{
			record.View, string(record.Change), string(record.Applied), orDash(strings.Join(p.Breaks, "; ")), orDash(strings.Join(p.Adds, "; ")), orDash(strings.Join(p.Fields, "; ")),
		})
	}
	if asJSON {
		return s.printJSON(records)
	}
	return s.printTable("", table{headings: []string{"VIEW", "CHANGE", "APPLIED BY", "BREAKS", "ADDS", "FIELDS"}, rows: rows, spare: []string{"FIELDS", "ADDS"}})
}
