package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/redshift"
)

// printf prints by a format of our own. Each argument stays on its line, and cannot control the terminal.
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

// printFacts prints names and values in two columns. Facts without a value are left out.
func (p *program) printFacts(facts [][2]string) error {
	return wrap(writeFacts(p.stdout, facts, columnsOf(p.stdout)), "write to stdout")
}

// printPlan prints a dry run: SQL that can be pasted, or JSON.
func (p *program) printPlan(plan []stepRecord, asJSON bool) error {
	if asJSON {
		return p.printJSON(plan)
	}
	if len(plan) == 0 {
		p.tell("nothing would change")
	}
	for _, step := range plan {
		if err := p.printRisk(step); err != nil {
			return err
		}
		if err := p.printSQL(step.SQL); err != nil {
			return err
		}
	}
	return nil
}

// printRisk prints what a step is for, and what it means for others, as comments.
func (p *program) printRisk(step stepRecord) error {
	err := p.printf("-- %s: %s\n", step.Object, step.Title)
	var risks []string
	if step.Lock != nil {
		risks = append(risks, "lock "+*step.Lock)
	}
	for _, hazard := range step.Hazards {
		risks = append(risks, plan.Hazard(hazard).Told())
	}
	if len(risks) > 0 {
		err = errors.Join(err, p.printf("--   %s\n", strings.Join(risks, "; ")))
	}
	for _, note := range step.Notes {
		err = errors.Join(err, p.printf("--   %s\n", note))
	}
	return err
}

// printSQL prints a statement in a form that can be pasted, even if there are odd names in it.
func (p *program) printSQL(sql string) error {
	return p.printf("%s;\n", lines(redshift.PastedStatement(sql)))
}

// printable makes a text one line, with no control characters that a terminal would act on.
func printable(text string) string { return infra.Printable(text) }

// lines is a text of several lines, of which each is printable already.
type lines string

// shown makes the arguments of a format printable. The format is our own; the arguments can come from anybody.
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
