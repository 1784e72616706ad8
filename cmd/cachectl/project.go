package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/pipeline"
)

// inProject runs work with the files of a directory, and a session on the catalog.
func (p *program) inProject(cmd *cobra.Command, dir string, work func(ctx context.Context, s *connection, project *pipeline.Project) error) error {
	project, err := p.load(dir)
	if err != nil {
		return doing(err, "read %s", dir)
	}
	return p.inCatalog(cmd.Context(), func(s *connection) error {
		return doing(p.inFiles(project, work(cmd.Context(), s, project)), "%s %s", cmd.Name(), dir)
	})
}

// inFiles shows what servers have against queries where it stands in the files. Any other error is told as it is.
func (p *program) inFiles(project *pipeline.Project, err error) error {
	problems, left := project.Refused(err)
	if problems == nil {
		return err
	}
	failed := p.tellProblems(problems)
	if left != nil {
		p.tell("not looked at, as what they read has problems: %s", strings.Join(left, ", "))
	}
	return failed
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
