package main

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/pipeline"
)

type applyOptions struct{ prune, dryRun bool }

func (p *program) applyCommand() *cobra.Command {
	var o applyOptions
	cmd := &cobra.Command{
		Use:   "apply DIR",
		Short: "Make the views what the files in a directory say",
		Long: `Reads the *.sql files below a directory, one view each, and makes all changes as one: what needs other rows is built
beside what readers see, and all takes effect in one moment.`,
		Example:           `  cachectl apply pipelines`,
		Args:              takes(1, 1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			project, problems := pipeline.Load(os.DirFS(args[0]))
			if problems != nil {
				return p.tellProblems(problems)
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.apply(cmd.Context(), project, o), "apply %s", args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&o.prune, "prune", false, "drop the views that have no file")
	return cmd
}

// tellProblems shows what is wrong with files.
func (p *program) tellProblems(problems pipeline.Problems) error {
	for _, problem := range problems {
		p.tell("%s", problem.Shown())
	}
	return errors.New(count(len(problems), "problem", "problems"))
}

func (s *connection) apply(ctx context.Context, project *pipeline.Project, o applyOptions) error {
	live, err := s.store.Views(ctx)
	if err != nil {
		return err
	}
	changes, problems := project.Compare(live, o.prune)
	if problems != nil {
		return s.tellProblems(problems)
	}
	todo := pipeline.Apply(changes)
	for _, c := range changes {
		if err := s.printf("%s\n", c.Told()); err != nil {
			return err
		}
	}
	if len(todo) == 0 {
		return nil
	}
	show := s.watch("apply", "", 0)
	_, err = s.definer().Telling(show.phase).Apply(ctx, todo)
	show.stop()
	return err
}
