package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// printf prints by a format of ours. Whatever is put into it stays on its line and does nothing to a terminal.
func (p *program) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(p.stdout, format, shown(args)...)
	return wrap(err, "write to stdout")
}

// printJSON prints one value, indented for human eyes.
func (p *program) printJSON(value any) error {
	encoder := json.NewEncoder(infra.PrintableJSON(p.stdout))
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return wrap(encoder.Encode(value), "write to stdout")
}

// printTable prints rows under headings. Without rows it says so on stderr, and stdout stays empty.
func (p *program) printTable(none string, t table) error {
	if len(t.rows) == 0 {
		p.tell("%s", none)
		return nil
	}
	return wrap(t.write(p.stdout, columnsOf(p.stdout)), "write to stdout")
}

// printFacts prints what things are called, and what they are, for as long as there is something to say of them.
func (p *program) printFacts(facts [][2]string) error {
	return wrap(writeFacts(p.stdout, facts, columnsOf(p.stdout)), "write to stdout")
}

// printPlan prints a dry run: SQL that could be pasted, or JSON.
func (p *program) printPlan(plan []stepRecord, asJSON bool) error {
	if asJSON {
		return p.printJSON(plan)
	}
	if len(plan) == 0 {
		p.tell("nothing would change")
	}
	for _, step := range plan {
		if err := p.printf("-- %s: %s\n", step.Object, step.Title); err != nil {
			return err
		}
		if err := p.printSQL(step.SQL); err != nil {
			return err
		}
	}
	return nil
}

// printSQL prints a statement that can be pasted, whatever names are in it.
func (p *program) printSQL(sql string) error {
	return p.printf("%s;\n", lines(redshift.PastedStatement(sql)))
}

// printable makes one line of a text, without what a terminal would act upon.
func printable(text string) string { return infra.Printable(text) }

// lines are of our own making; each is printable already.
type lines string

// shown makes what is printed by a format printable: the format is ours, and what is put into it may be anybody's.
func shown(args []any) []any {
	safe := make([]any, len(args))
	for i, arg := range args {
		_, speaks := arg.(fmt.Stringer)
		_, fails := arg.(error)
		switch known, ours := arg.(lines); {
		case ours:
			safe[i] = infra.PrintableLines(string(known))
		case speaks, fails, reflect.ValueOf(arg).Kind() == reflect.String:
			safe[i] = printable(fmt.Sprint(arg))
		default:
			safe[i] = arg
		}
	}
	return safe
}

// text is an optional text in a table.
func text[T any](value *T) string {
	if value == nil {
		return "-"
	}
	return fmt.Sprint(*value)
}

func instant(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// brief is a duration with the precision that a reader wants: 120ms, 3.2s, 4m12s, 3h5m, 2d3h.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return catalog.FormatDuration(d.Round(time.Second))
	case d < 24*time.Hour:
		return catalog.FormatDuration(d.Round(time.Minute))
	}
	return catalog.FormatDuration(d.Round(time.Hour))
}

// fine is a short duration to the hundredth of a millisecond.
func fine(d time.Duration) string {
	if d >= time.Second {
		return brief(d)
	}
	return d.Round(10 * time.Microsecond).String()
}

func span(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return catalog.FormatDuration(d)
}

func age(d *time.Duration) string {
	if d == nil {
		return "-"
	}
	if *d < 0 {
		return "from the future" // the clock of the cache database has been set back since
	}
	return brief(*d)
}

func size(bytes *int64) string {
	if bytes == nil {
		return "-"
	}
	n, units := float64(*bytes), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	unit := 0
	for n >= 1024 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	if unit == 0 || n >= 100 {
		return fmt.Sprintf("%.0f %s", n, units[unit])
	}
	return fmt.Sprintf("%.1f %s", n, units[unit])
}

// count is a number with the right word for it.
func count[T int | int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// note tells what a refresh leaves to be known beside its result.
func (s *connection) note(r catalog.Run) {
	if r.Note != "" {
		s.tell("note: %s: %s", r.View, r.Note)
	}
}

// printOutcomes prints a line for each run.
func (p *program) printOutcomes(runs []catalog.Run) error {
	for _, r := range runs {
		if err := p.printf("%s: %s\n", r.View, outcome(r)); err != nil {
			return err
		}
	}
	return nil
}

// outcome says in a few words what a run did, and why if there is something to say.
func outcome(r catalog.Run) string {
	what := string(r.State)
	switch {
	case r.State == catalog.Skipped:
		return "skipped, held by " + text(r.Holder)
	case r.RowsRead != nil:
		what = fmt.Sprintf("%s read, %s inserted, %s updated, %s deleted",
			count(*r.RowsRead, "row", "rows"), text(r.RowsInserted), text(r.RowsUpdated), text(r.RowsDeleted))
	}
	what += " in " + brief(r.Took())
	if r.Reason != nil {
		what += " (" + *r.Reason + ")"
	}
	return what
}
