package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/refresh"
)

type applyOptions struct {
	prune, allowBreaking, dryRun, json, lineage bool

	keep   duration
	builds int
}

func (p *program) applyCommand() *cobra.Command {
	o := applyOptions{keep: duration(24 * time.Hour)}
	cmd := &cobra.Command{
		Use:   "apply DIR|FILE",
		Short: "Make the views what the files in a directory say",
		Long: `Reads the *.sql files below a directory, one view each: a header of tags, and one SELECT. docs/pipelines.md has the
tags. A query that reads only views of the cache is run there, any other on Redshift. All that is wrong with the files is
said at once.

What is not as the files say is made so, all of it or nothing: what needs other rows is built beside what readers see, and
all takes effect in one moment. Several views are built at once, --builds of them, and through each link no more than it
has slots; one that is computed from others of the directory waits for those. Views without a file stay as they are, unless --prune is given. What breaks something for
readers, as ` + "`cachectl plan`" + ` says it, is refused, unless --allow-breaking is given. For a day, or as --keep says,
` + "`cachectl rollback`" + ` goes back; until then the old rows take their space.

A file that ` + "`cachectl plan --out`" + ` has written is applied as it is, and refused when a view has changed since.`,
		Example: `  cachectl apply pipelines --dry-run
  cachectl apply pipelines
  cachectl apply set.plan
  cachectl apply pipelines --json | jq -r '.[] | .view + " " + .change'`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.builds < 1 || o.builds > maxBuilds {
				return usagef(fmt.Sprintf("write 1 to %d", maxBuilds), "--builds %d: so many views cannot be built at once", o.builds)
			}
			if info, err := os.Stat(args[0]); err == nil && info.Mode().IsRegular() {
				return p.applySaved(cmd, args[0], o)
			}
			return p.inProject(cmd, args[0], func(ctx context.Context, s *connection, project *pipeline.Project) error {
				changes, err := s.compare(ctx, project, o.prune)
				if err != nil {
					return err
				}
				return s.apply(ctx, args[0], changes, func([]refresh.Described) error { return nil }, o)
			})
		},
	}
	cmd.Flags().BoolVar(&o.prune, "prune", false, "drop every view that has no file, whoever has added it")
	cmd.Flags().BoolVar(&o.allowBreaking, "allow-breaking", false, "also what breaks something for readers")
	cmd.Flags().Var(&o.keep, "keep", "how long to keep what readers see now, where it is built anew, to roll back to; 0: not at all")
	cmd.Flags().IntVar(&o.builds, "builds", refresh.AtOnce, "build so many views at once, at most")
	cmd.Flags().BoolVar(&o.lineage, "lineage", true, "in the end, store what columns come from; the parser takes a second or two, and 250 MiB")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	cmd.Flags().BoolVar(&o.json, "json", false, jsonHelp)
	return cmd
}

// applySaved applies a plan that was written to a file.
func (p *program) applySaved(cmd *cobra.Command, path string, o applyOptions) error {
	if o.prune {
		return usage(errors.New("--prune: the plan in a file says which views go"), "give it to `cachectl plan`")
	}
	saved, err := readSaved(path)
	if err != nil {
		return doing(err, "read %s", path)
	}
	return p.inCatalog(cmd.Context(), func(s *connection) error {
		live, err := s.store.Views(cmd.Context())
		if err != nil {
			return err
		}
		changes, err := saved.Compare(live)
		if err == nil {
			err = s.apply(cmd.Context(), path, changes, saved.Judge, o)
		}
		return doing(err, "%s %s", cmd.Name(), path)
	})
}

func readSaved(path string) (pipeline.Saved, error) {
	file, err := os.Open(path)
	if err != nil {
		return pipeline.Saved{}, err
	}
	defer file.Close()
	return pipeline.ReadSaved(file)
}

// apply makes changes, unless judge objects to what they come to.
func (s *connection) apply(
	ctx context.Context, path string, changes []pipeline.Change, judge func([]refresh.Described) error, o applyOptions,
) error {
	todo := pipeline.Apply(changes)
	if o.dryRun {
		steps, err := s.definer().Judging(judge).Plan(ctx, todo)
		if err != nil {
			return err
		}
		return s.printPlan(planOf("directory "+path, steps), o.json)
	}
	if len(todo) > 0 {
		show := s.watch("apply", "", neverTook)
		runs, err := s.definer().Keeping(time.Duration(o.keep)).Building(o.builds).Telling(show.phase).Judging(func(described []refresh.Described) error {
			err := judge(described)
			if err == nil && !o.allowBreaking {
				err = unbroken(pipeline.Plan(changes, described), "`cachectl plan DIR` shows who is concerned; with --allow-breaking it is done all the same.")
			}
			return err
		}).Apply(ctx, todo)
		show.stop()
		if exists, meanwhile := errors.AsType[*catalog.ExistsError](err); meanwhile {
			return infra.Hinted(fmt.Errorf("%s %s was added by somebody else meanwhile, by another apply perhaps", exists.Kind, exists.Name),
				"Nothing has changed. Apply once more: that goes by what is there now.")
		}
		if err != nil {
			return err
		}
		for _, run := range runs {
			s.note(run)
		}
	}
	if err := s.printApplied(changes, o.json); err != nil || len(todo) == 0 || !o.lineage {
		return err
	}
	if err := s.keepLineage(ctx); err != nil && ctx.Err() == nil { // which is for people: all is applied without it
		s.tell("what columns come from is not stored: " + infra.Bounded(err.Error()) + "; the next apply does it")
	}
	return nil
}

// unbroken refuses what breaks something for readers, and advises.
func unbroken(planned []pipeline.Planned, advice string) error {
	told := pipeline.Breaking(planned)
	if told == nil {
		return nil
	}
	const most = 20
	text := strings.Join(told[:min(len(told), most)], "; ")
	if len(told) > most {
		text += fmt.Sprintf("; and %d more", len(told)-most)
	}
	return infra.Hinted(fmt.Errorf("%s for readers: %s", count(len(told), "view breaks", "views break"), text), advice)
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
