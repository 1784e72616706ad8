package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/pipeline"
)

func (p *program) exportCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "export DIR",
		Short: "Write the views that are there as the files of a pipeline",
		Long: `Writes each view as DIR/SCHEMA/NAME.sql: a header of tags with what differs from what holds anyway, and the query as it is.
plan says of these files that nothing would change, which is proven before they are written. The directory has to be new or
empty. Where a view cannot be written as a file, that is said of each, and nothing is written.`,
		Example: `  cachectl export pipelines
  cachectl plan pipelines`,
		Args: takes(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.export(cmd.Context(), args[0], asJSON), "export to %s", args[0])
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, jsonHelp)
	return cmd
}

func (s *connection) export(ctx context.Context, dir string, asJSON bool) error {
	live, err := s.store.Views(ctx)
	if err != nil {
		return err
	}
	files, problems := pipeline.Export(live)
	if problems != nil {
		return s.tellProblems(problems)
	}
	if err := writeAll(dir, files); err != nil {
		return err
	}
	records, rows := []exportedRecord{}, [][]string{}
	for _, e := range files {
		records = append(records, exportedRecord{View: e.Name.String(), File: e.Path})
		rows = append(rows, []string{e.Name.String(), e.Path})
	}
	if asJSON {
		return s.printJSON(records)
	}
	return s.printTable("no views yet; `cachectl add-view` makes one", table{headings: []string{"VIEW", "FILE"}, rows: rows})
}

// writeAll fills a directory that is new or empty, or leaves it as it is.
func writeAll(dir string, files []pipeline.Exported) error {
	found, err := os.ReadDir(dir)
	isNew := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !isNew:
		return err
	case len(found) > 0:
		return infra.Hinted(errors.New(found[0].Name()+" is in the way"), "Name a directory that is new or empty.")
	}
	beside := dir // what is mounted there is a file system of its own
	if isNew {
		beside = filepath.Dir(filepath.Clean(dir))
	}
	temporary, err := os.MkdirTemp(beside, ".export-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary) // as far as it is still there
	if err := errors.Join(os.Chmod(temporary, 0o755), writeEach(temporary, files)); err != nil {
		return err
	}
	if isNew {
		return os.Rename(temporary, dir)
	}
	return moveEach(temporary, dir)
}

func writeEach(dir string, files []pipeline.Exported) error {
	for _, e := range files {
		path := filepath.Join(dir, filepath.FromSlash(e.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) // two names may be one where case does not count
		if err != nil {
			return err
		}
		_, err = f.WriteString(e.Text)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// moveEach moves what is in a directory to another one, all of it or nothing.
func moveEach(from, to string) error {
	found, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for i, entry := range found {
		if err := os.Rename(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			for _, moved := range found[:i] {
				_ = os.RemoveAll(filepath.Join(to, moved.Name())) // which was made here
			}
			return err
		}
	}
	return nil
}

// exportedRecord is a view that was written as a file.
type exportedRecord struct {
	View string `json:"view"`
	File string `json:"file"`
}
