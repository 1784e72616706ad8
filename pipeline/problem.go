package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/redcache/redcache/infra"
)

// Problem is something that is wrong in a file, and where.
type Problem struct {
	Path         string
	Line, Column int // from 1, the column in characters; 0: the file as a whole, or somewhere in the line or behind it
	What, Fix    string
	Source       string // the line
}

// Error says what is wrong, in the form in which compilers do.
func (p Problem) Error() string {
	path := infra.Printable(p.Path)
	switch {
	case p.Line == 0:
		return path + ": " + p.What
	case p.Column == 0:
		return fmt.Sprintf("%s:%d: %s", path, p.Line, p.What)
	}
	return fmt.Sprintf("%s:%d:%d: %s", path, p.Line, p.Column, p.What)
}

// Hint says what to do about it.
func (p Problem) Hint() string { return p.Fix }

// Shown is the problem with the line that has it, a mark under the place, and what to do.
func (p Problem) Shown() string {
	text := p.Error() + "\n"
	source, mark := p.excerpt()
	if p.Line > 0 {
		text += "    " + infra.Printable(source) + "\n"
	}
	if p.Column > 0 {
		text += "    " + strings.Repeat(" ", mark) + "^\n"
	}
	if p.Fix != "" {
		text += "    " + p.Fix + "\n"
	}
	return text
}

// excerpt is the line, or what stands around the place where it is a long one, and how many characters stand before the place.
func (p Problem) excerpt() (source string, mark int) {
	const most = 160
	line := []rune(strings.ReplaceAll(p.Source, "\t", " "))
	mark = max(p.Column-1, 0)
	if len(line) <= most {
		return string(line), mark
	}
	from := max(min(mark-most/2, len(line)-most), 0)
	source = string(line[from : from+most])
	if from+most < len(line) {
		source += "…"
	}
	if from > 0 {
		return "…" + source, mark - from + 1
	}
	return source, mark
}

// Problems are all that is wrong with some files.
type Problems []Problem

// Error has a line for each.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// sorted are the problems by file and place.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), a.Line-b.Line, a.Column-b.Column)
	})
	return ps
}

// problemAt is a problem at an offset of a file's text.
func problemAt(path, text string, at int, what, fix string) Problem {
	before := text[:at]
	from := strings.LastIndexByte(before, '\n') + 1
	line, _, _ := strings.Cut(text[from:], "\n")
	return Problem{
		Path: path, Line: strings.Count(before, "\n") + 1, Column: utf8.RuneCountInString(before[from:]) + 1,
		What: what, Fix: fix, Source: strings.TrimSuffix(line, "\r"),
	}
}
