package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/pipeline"
)

type applyOptions struct {
	prune, dryRun, json bool
	keep                duration
}

func (p *program) applyCommand() *cobra.Command {
	o := applyOptions{keep: duration(24 * time.Hour)}
	cmd := &cobra.Command{
		Use:   "apply DIR",
		Short: "Make the views what the files in a directory say",
		Long: `Reads the *.sql files below a directory, one view each: a header of tags, and one SELECT. docs/pipelines.md has the
tags. A query that reads only views of the cache is run there, any other on Redshift. All that is wrong with the files is
said at once.

What is not as the files say is made so, all of it or nothing: what needs other rows is built beside what readers see, and
all takes effect in one moment. Views without a file stay as they are, unless --prune is given. For a day, or as --keep
says, ` + "`cachectl rollback`" + ` goes back; until then the old rows take their space.`,
		Example: `  cachectl apply pipelines --dry-run
  cachectl apply pipelines
  cachectl apply pipelines --json | jq -r '.[] | .view + " " + .change'`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			project, err := p.load(args[0])
			if err != nil {
				return doing(err, "read %s", args[0])
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.apply(cmd.Context(), args[0], project, o), "apply %s", args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&o.prune, "prune", false, "drop every view that has no file, whoever has added it")
	cmd.Flags().Var(&o.keep, "keep", "how long to keep what readers see now, where it is built anew, for `cachectl rollback`; 0: not at all")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	cmd.Flags().BoolVar(&o.json, "json", false, jsonHelp)
	return cmd
}

// load reads the files in a directory.
func (p *program) load(dir string) (*pipeline.Project, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, cmp.Or(err, errors.New("it is no directory"))
	}
	project, problems := pipeline.Load(os.DirFS(dir))
	if problems != nil {
		return nil, p.tellProblems(problems)
	}
	return project, nil
}

// tellProblems shows what is wrong with files.
func (p *program) tellProblems(problems pipeline.Problems) error {
	for _, problem := range problems {
		p.tell("%s", lines(strings.TrimSuffix(problem.Shown(), "\n")))
	}
	return errors.New(count(len(problems), "problem", "problems"))
}

// compare holds the files against the views that are there.
func (s *connection) compare(ctx context.Context, project *pipeline.Project, prune bool) ([]pipeline.Change, error) {
	live, err := s.store.Views(ctx)
	if err != nil {
		return nil, err
	}
	changes, problems := project.Compare(live, prune)
	if problems != nil {
		return nil, s.tellProblems(problems)
	}
	return changes, nil
}

func (s *connection) apply(ctx context.Context, dir string, project *pipeline.Project, o applyOptions) error {
	changes, err := s.compare(ctx, project, o.prune)
	if err != nil {
		return err
	}
	todo := pipeline.Apply(changes)
	if o.dryRun {
		steps, err := s.definer().Plan(ctx, todo)
		if err != nil {
			return err
		}
		return s.printPlan(planOf("directory "+dir, steps), o.json)
	}
	if len(todo) > 0 {
		show := s.watch("apply", "", 0)
		runs, err := s.definer().Keeping(time.Duration(o.keep)).Telling(show.phase).Apply(ctx, todo)
		show.stop()
		if err != nil {
			return err
		}
		for _, run := range runs {
			s.note(run)
		}
	}
	return s.printApplied(changes, o.json)
}

func (s *connection) printApplied(changes []pipeline.Change, asJSON bool) error {
	records, rows := []changeRecord{}, [][]string{}
	for _, c := range changes {
		record := recordApplied(c)
		records = append(records, record)
		rows = append(rows, []string{record.View, string(c.Kind), string(record.Source), text(record.File)})
	}
	if asJSON {
		return s.printJSON(records)
	}
	return s.printTable("", table{headings: []string{"VIEW", "CHANGE", "SOURCE", "FILE"}, rows: rows, spare: []string{"FILE"}})
}
