package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/pipeline/lineage/parse"
)

func (p *program) compileCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "compile DIR",
		Short: "Say what the files in a directory are: graph, columns, types",
		Long: `Reads the *.sql files below a directory, and has the servers say what each query returns: Redshift of those that are
read there, PostgreSQL of those that run in the cache, all of them empty, in a transaction that is rolled back. Prints the views,
each behind its inputs; with --json their columns, and which columns of Redshift these come from. Whether the views are
there already, ` + "`plan`" + ` says. Nothing is changed.`,
		Example: `  cachectl compile pipelines
  cachectl compile pipelines --json | jq '.[].lineage'`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.inProject(cmd, args[0], func(ctx context.Context, s *connection, project *pipeline.Project) error {
				return s.compile(ctx, project, asJSON)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *connection) compile(ctx context.Context, project *pipeline.Project, asJSON bool) error {
	changes, err := s.compare(ctx, project, false)
	if err != nil {
		return err
	}
	described, err := s.definer().Describe(ctx, pipeline.Compile(changes))
	if err != nil {
		return err
	}
	views := map[catalog.Name]catalog.View{}
	for _, d := range described {
		views[d.Name] = *d.After
	}
	if asJSON {
		return s.printJSON(recordCompiled(changes, views))
	}
	rows := [][]string{}
	for _, c := range changes {
		v := views[c.Name]
		rows = append(rows, []string{
			c.Name.String(), string(v.Kind), string(v.Strategy), strconv.Itoa(len(v.Columns)), orDash(strings.Join(c.View.ReadNames(), ", ")),
		})
	}
	return s.printTable("", table{headings: []string{"VIEW", "SOURCE", "STRATEGY", "COLUMNS", "READS"}, rows: rows, spare: []string{"READS"}})
}

// compiledRecord is a view of a directory, as the servers and the parser understand it.
type compiledRecord struct {
	View     string             `json:"view"`
	File     string             `json:"file"`
	Source   catalog.SourceKind `json:"source"`
	Strategy catalog.Strategy   `json:"strategy"`
	Reads    []string           `json:"reads"`
	Columns  []columnRecord     `json:"columns"`
	Lineage  []lineageRecord    `json:"lineage"`
}

func recordCompiled(changes []pipeline.Change, views map[catalog.Name]catalog.View) []compiledRecord {
	queries := parse.Queries{}
	for name, v := range views {
		queries[relationOf(name)] = queryOf(v)
	}
	found, records := viewsOf(queries).All(), []compiledRecord{}
	for _, c := range changes {
		v := views[c.Name]
		records = append(records, compiledRecord{
			View: c.Name.String(), File: c.View.Path, Source: v.Kind, Strategy: v.Strategy, Reads: list(c.View.ReadNames()),
			Columns: recordColumns(v.Columns), Lineage: recordLineage(found[relationOf(c.Name)], ""),
		})
	}
	return records
}
