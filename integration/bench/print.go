package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// heads are the columns of the table, on the terminal and in the document.
var heads = []string{
	"scenario", "median s", "min–max s", "× floor", "client MiB", "reader p50 ms", "p99 ms", "max ms",
}

// cells are the scenario's row. The floor's median is 0 when it was not measured.
func (s scenario) cells(floor float64) []string {
	times := "–"
	if floor > 0 && s.TableRows > 0 {
		times = fmt.Sprintf("%.2f", s.Median/floor)
	}
	return []string{
		s.Name, fmt.Sprintf("%.3f", s.Median), fmt.Sprintf("%.3f–%.3f", s.Min, s.Max), times,
		fmt.Sprintf("%.1f", s.PeakRSS),
		fmt.Sprintf("%.1f", s.ReaderP50), fmt.Sprintf("%.1f", s.ReaderP99), fmt.Sprintf("%.1f", s.ReaderMax),
	}
}

func (c check) cells() []string {
	verdict := "MISS"
	if c.OK {
		verdict = "PASS"
	}
	return []string{c.Name, number(c.Value, c.Unit), number(c.Limit, c.Unit), verdict}
}

func number(f float64, unit string) string {
	return strings.TrimSpace(strconv.FormatFloat(f, 'f', -1, 64) + " " + unit)
}

var checkHeads = []string{"what", "measured", "at most", ""}

func (r results) floor() float64 {
	for _, s := range r.Scenarios {
		if s.Name == floor {
			return s.Median
		}
	}
	return 0
}

// heading says what the numbers are of.
func (r results) heading() string {
	how := "a range of keys"
	if r.Scattered {
		how = "spread over the table"
	}
	return fmt.Sprintf("%s rows × %d columns, medians of %d runs, changed rows %s. %s.",
		thousands(r.Rows), len(columns), r.Runs, how, r.Machine)
}

// thousands writes a count with commas.
func thousands(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// print writes both tables to a terminal.
func (r results) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s\n\n", r.heading())
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells []string) { fmt.Fprintln(table, strings.Join(cells, "\t")) }
	row(heads)
	for _, s := range r.Scenarios {
		row(s.cells(r.floor()))
	}
	row(nil)
	row(checkHeads)
	for _, c := range r.Checks {
		row(c.cells())
	}
	_ = table.Flush() // like Fprintln
	for _, why := range r.Skipped {
		fmt.Fprintln(out, "not measured:", why)
	}
}
