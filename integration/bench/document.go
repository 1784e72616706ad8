package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	beginTable = "<!-- bench:table -->"
	endTable   = "<!-- /bench:table -->"
)

// document writes the plot, and the tables into their place in benchmarks.md.
func (r results) document(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "benchmark.svg"), r.svg(), 0o644); err != nil { //nolint:gosec // to be published
		return err
	}
	path := filepath.Join(dir, "benchmarks.md")
	page, err := os.ReadFile(path) //nolint:gosec // a file of the caller's choice
	if err != nil {
		return err
	}
	changed, err := between(string(page), r.markdown())
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(changed), 0o644) //nolint:gosec // to be published
}

// between replaces what a page has between the two marks.
func between(page, text string) (string, error) {
	before, rest, begins := strings.Cut(page, beginTable)
	_, after, ends := strings.Cut(rest, endTable)
	if !begins || !ends {
		return "", fmt.Errorf("there is no %s … %s", beginTable, endTable)
	}
	return before + beginTable + "\n\n" + text + "\n" + endTable + after, nil
}

func (r results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n![Medians of all paths](benchmark.svg)\n\n", r.heading())
	row := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	rule := func(heads []string) { fmt.Fprintf(&b, "|%s\n", strings.Repeat("---|", len(heads))) }
	row(heads)
	rule(heads)
	for _, s := range r.Scenarios {
		cells := s.cells(r.floor())
		cells[0] = "`" + cells[0] + "`"
		row(cells)
	}
	b.WriteString("\n")
	row(checkHeads)
	rule(checkHeads)
	for _, c := range r.Checks {
		row(c.cells())
	}
	for _, why := range r.Skipped {
		fmt.Fprintf(&b, "\nNot measured: %s.\n", why)
	}
	return b.String()
}
