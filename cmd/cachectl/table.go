package main

import (
	"io"
	"os"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
	"golang.org/x/term"

	"github.com/redcache/redcache/cmd/internal/screen"
)

// gap is the space between two columns.
const gap = 2

// table is rows under headings, laid out by what a terminal shows: a wide character takes two columns, a combining one
// none. Nothing is cut: what does not fit is broken at blanks, and when that does not help, each row becomes a block.
type table struct {
	headings []string
	rows     [][]string
	spare    []string // headings of columns that a narrow terminal goes without, the least needed first
}

// columnsOf is how wide the terminal is that w writes to; 0 when it is none, and has no width to keep to.
func columnsOf(w io.Writer) int {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// write lays the table out for so many columns; 0 is any number.
func (t table) write(w io.Writer, columns int) error {
	t = t.printable()
	widths := t.widths(screen.Width)
	for columns > 0 && total(widths) > columns && len(t.spare) > 0 {
		t, t.spare = t.without(t.spare[0]), t.spare[1:]
		widths = t.widths(screen.Width)
	}
	if columns > 0 && total(widths) > columns && !shrink(widths, t.widths(longestWord), columns) {
		return t.writeBlocks(w, columns)
	}
	var b strings.Builder
	for _, row := range append([][]string{t.headings}, t.rows...) {
		writeRow(&b, row, widths)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t table) printable() table {
	rows := make([][]string, len(t.rows))
	for i, row := range t.rows {
		rows[i] = make([]string, len(row))
		for j, cell := range row {
			rows[i][j] = printable(cell)
		}
	}
	headings := make([]string, len(t.headings))
	for i, heading := range t.headings {
		headings[i] = printable(heading)
	}
	return table{headings, rows, t.spare}
}

// without leaves out a column.
func (t table) without(heading string) table {
	at := slices.Index(t.headings, heading)
	if at < 0 {
		return t
	}
	left := t
	left.headings, left.rows = slices.Delete(slices.Clone(t.headings), at, at+1), make([][]string, len(t.rows))
	for i, row := range t.rows {
		left.rows[i] = slices.Delete(slices.Clone(row), at, at+1)
	}
	return left
}

// widths are those of the columns, by a measure of their cells. A heading is never broken.
func (t table) widths(measure func(string) int) []int {
	widths := make([]int, len(t.headings))
	for i, heading := range t.headings {
		widths[i] = screen.Width(heading)
	}
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], measure(cell))
		}
	}
	return widths
}

func longestWord(text string) (width int) {
	for _, word := range screen.Words(text) {
		width = max(width, screen.Width(word))
	}
	return width
}

func total(widths []int) (sum int) {
	for _, width := range widths {
		sum += width + gap
	}
	return sum - gap
}

// shrink takes from the widest column that can still give, until all fit. It says whether they do.
func shrink(widths, least []int, columns int) bool {
	for total(widths) > columns {
		widest := -1
		for i := range widths {
			if widths[i] > least[i] && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return false
		}
		widths[widest]--
	}
	return true
}

// writeRow writes a row, in as many lines as its tallest cell needs.
func writeRow(b *strings.Builder, row []string, widths []int) {
	cells, tallest := make([][]string, len(row)), 1
	for i, cell := range row {
		cells[i] = screen.Lines(cell, widths[i])
		tallest = max(tallest, len(cells[i]))
	}
	for n := range tallest {
		var line strings.Builder
		for i, lines := range cells {
			text := ""
			if n < len(lines) {
				text = lines[n]
			}
			line.WriteString(text + strings.Repeat(" ", max(0, widths[i]-screen.Width(text))+gap))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// shortened takes out the middle of a text that is wider than so many columns: its ends tell it from others.
func shortened(text string, columns int) string {
	excess := screen.Width(text) - max(columns, 1)
	if excess <= 0 {
		return text
	}
	var clusters []string
	for rest := uniseg.NewGraphemes(text); rest.Next(); {
		clusters = append(clusters, rest.Str())
	}
	at := len(clusters) / 2
	left, right := at, at
	for taken := -1; taken < excess && (left > 0 || right < len(clusters)); { // the sign for what was taken out needs one
		if right < len(clusters) && (right-at <= at-left || left == 0) {
			taken += screen.Width(clusters[right])
			right++
		} else {
			left--
			taken += screen.Width(clusters[left])
		}
	}
	return strings.Join(clusters[:left], "") + "…" + strings.Join(clusters[right:], "")
}

// writeBlocks writes each row as a block of facts.
func (t table) writeBlocks(w io.Writer, columns int) error {
	for n, row := range t.rows {
		facts := make([][2]string, len(row))
		for i, cell := range row {
			facts[i] = [2]string{strings.ToLower(t.headings[i]), cell}
		}
		if n > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := writeFacts(w, facts, columns); err != nil {
			return err
		}
	}
	return nil
}

// writeFacts writes what things are called beside what they are, without those of which nothing is known.
func writeFacts(w io.Writer, facts [][2]string, columns int) error {
	var known table
	for _, fact := range facts {
		if fact[1] != "" && fact[1] != "-" {
			known.rows = append(known.rows, []string{fact[0] + ":", printable(fact[1])})
		}
	}
	known.headings = make([]string, 2)
	widths := known.widths(screen.Width)
	if columns > 0 {
		const least = 20 // columns for what things are; narrower terminals break the lines themselves
		widths[1] = min(widths[1], max(columns-widths[0]-gap, least))
	}
	var b strings.Builder
	for _, row := range known.rows {
		writeRow(&b, row, widths)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
