package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/pipeline/impact"
	"github.com/redcache/redcache/sql"
)

func (s *connection) printPlanned(records []plannedRecord, o planOptions) error {
	switch {
	case o.json:
		return s.printJSON(records)
	case o.format == asMarkdown:
		return s.printf("%s", lines(markdown(records)))
	}
	var rows [][]string
	for _, r := range records {
		rows = append(rows, []string{
			r.View, string(r.Change), string(r.Applied), orDash(strings.Join(r.Breaks, "; ")), orDash(strings.Join(r.Adds, "; ")), orDash(strings.Join(r.changing(), "; ")),
		})
	}
	err := s.printTable("", table{headings: []string{"VIEW", "CHANGE", "APPLIED BY", "BREAKS", "ADDS", "FIELDS"}, rows: rows, spare: []string{"FIELDS", "ADDS"}})
	for _, r := range records {
		if details := r.details(); len(details) > 0 || r.Diff != nil {
			err = errors.Join(err, s.printf("\n%s:\n", r.View))
			for _, detail := range details {
				err = errors.Join(err, s.printf("  %s\n", detail))
			}
			err = errors.Join(err, s.printDiff(r))
		}
	}
	return err
}

func (s *connection) printDiff(r plannedRecord) (err error) {
	if r.Diff == nil {
		return nil
	}
	for line := range strings.Lines(*r.Diff) {
		err = errors.Join(err, s.printf("  %s\n", strings.TrimSuffix(line, "\n")))
	}
	return err
}

// changing are the names of the fields that change.
func (r plannedRecord) changing() (names []string) {
	for _, f := range r.Fields {
		names = append(names, f.Field)
	}
	return names
}

// details say in a line each what a plan has to say beside its table and the query.
func (r plannedRecord) details() (lines []string) {
	if r.LastRows != nil {
		lines = append(lines, fmt.Sprintf("last read in full: %s in %s", count(*r.LastRows, "row", "rows"), brief(r.took())))
	}
	for _, f := range r.Fields {
		if f.Field != pipeline.QueryField {
			lines = append(lines, fmt.Sprintf("%s: %s -> %s", f.Field, orDash(f.Before), orDash(f.After)))
		}
	}
	const most = 20
	for _, u := range r.Affects[:min(len(r.Affects), most)] {
		lines = append(lines, u.told())
	}
	if more := len(r.Affects) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("%d more use it, which --json has", more))
	}
	return lines
}

// told says in a few words who uses what, and how that is known.
func (u useRecord) told() string {
	names := make([]string, len(u.Columns))
	for i, c := range u.Columns {
		if names[i] = sql.Ident(c); c == "*" {
			names[i] = "all columns"
		}
	}
	what := strings.Join(names, ", ")
	switch {
	case u.By == impact.ByStatement && u.Role != nil:
		return fmt.Sprintf("%s asks, %s so far: %s", *u.Role, count(*u.Calls, "time", "times"), u.Name)
	case u.By == impact.ByStatement:
		return fmt.Sprintf("somebody asks, %s so far: %s", count(*u.Calls, "time", "times"), u.Name)
	case u.By == impact.ByText && what == "":
		return fmt.Sprintf("%s %s names it, by its text", u.Kind, u.Name)
	case u.By == impact.ByText:
		return fmt.Sprintf("%s %s names it, with %s, by its text", u.Kind, u.Name, what)
	case u.Through != nil:
		what = "depends on it through " + *u.Through
	case what == "":
		what = "depends on it"
	default:
		what = "uses " + what
	}
	return fmt.Sprintf("%s %s %s: in the way until it is dropped", u.Kind, u.Name, what)
}
