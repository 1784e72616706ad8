package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/pipeline/impact"
)

type planOptions struct {
	prune, json bool
	format, out string
}

// The forms of a plan, beside JSON.
const (
	asTable    = "table"
	asMarkdown = "markdown"
)

func (p *program) planCommand() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan DIR",
		Short: "Say what apply would change, and what that breaks",
		Long: `Holds the *.sql files below a directory against the views that are there, and says of each what changes, how that is
applied (in the catalog alone, or by a rebuild), what readers gain, and what breaks for them: columns that go or change
their type, another key. Redshift and PostgreSQL are asked what the queries return; nothing is changed. A set that
contradicts itself fails. ` + "`apply --dry-run`" + ` prints the SQL.

Below it stands how the query changes, line by line, how many rows the last whole read had and how long it took, and who
uses what goes: views, rules, policies and functions that depend on the view, which PostgreSQL does not let go while they
are there; functions whose text names it; and, where pg_stat_statements is installed, statements of applications.

Exit status: 0 nothing would change, 3 something would, 4 something that breaks, or that others are in the way of, 1 failed,
2 wrong usage.`,
		Example: `  cachectl plan pipelines
  cachectl plan pipelines --json | jq -r '.[] | .view + ": " + .breaks[]'
  cachectl plan pipelines --out set.plan`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains([]string{asTable, asMarkdown}, o.format) || o.json && o.format != asTable {
				return usage(fmt.Errorf("--format %s: choose %s or %s, or --json", o.format, asTable, asMarkdown), "")
			}
			return p.inProject(cmd, args[0], func(ctx context.Context, s *connection, project *pipeline.Project) error {
				return s.plan(ctx, project, o)
			})
		},
	}
	cmd.Flags().BoolVar(&o.prune, "prune", false, "plan to drop every view that has no file, whoever has added it")
	cmd.Flags().StringVarP(&o.format, "format", "o", asTable, "`form`: table, or markdown for a pull request")
	cmd.Flags().StringVar(&o.out, "out", "", "write the plan to a `file` too, which apply takes")
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
	records, err := s.recordPlan(ctx, planned)
	if err == nil && o.out != "" {
		err = writeSaved(o.out, pipeline.Save(planned))
	}
	if err == nil {
		err = s.printPlanned(records, o)
	}
	if err != nil {
		return err
	}
	return statusOf(records)
}

// recordPlan adds to a plan what is known of those whom it concerns, and of what it costs.
func (s *connection) recordPlan(ctx context.Context, planned []pipeline.Planned) ([]plannedRecord, error) {
	var losses []impact.Loss
	for _, p := range planned {
		losses = append(losses, p.Loss())
	}
	uses, notes, err := impact.Find(ctx, s.pool, losses)
	if err != nil {
		return nil, err
	}
	for _, note := range notes {
		s.tell("note: %s", note)
	}
	last, err := s.store.WholeRuns(ctx)
	if err != nil {
		return nil, err
	}
	records := []plannedRecord{}
	for _, p := range planned {
		var run catalog.WholeRun
		if p.Before != nil {
			run = last[p.Before.ID]
		}
		records = append(records, recordPlanned(p, uses, run))
	}
	return records, nil
}

func writeSaved(path string, saved pipeline.Saved) error {
	text, err := json.MarshalIndent(saved, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the plan: %w", err)
	}
	return nil
}

// statusOf ends the command with what was found.
func statusOf(records []plannedRecord) error {
	status := exitDone
	for _, r := range records {
		switch {
		case len(r.Breaks) > 0, slices.ContainsFunc(r.Affects, func(u useRecord) bool { return u.InTheWay }):
			return foundError{exitBreaks}
		case r.Applied != pipeline.ByNothing:
			status = exitChanges
		}
	}
	if status == exitDone {
		return nil
	}
	return foundError{status}
}
