// Package screen lays out text by what a terminal shows of it: a wide character takes two columns, a combining one none.
package screen

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Width is how many columns a text takes.
func Width(text string) int { return uniseg.StringWidth(text) }

// Lines breaks a text at blanks into lines of at most so many columns; a longer word has a line of its own. What fits
// stays as it is.
func Lines(text string, columns int) (lines []string) {
	if Width(text) <= columns {
		return []string{text}
	}
	line := ""
	for _, word := range Words(text) {
		switch {
		case line == "":
			line = word
		case Width(line)+1+Width(word) <= columns:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// Words are what stands between the blanks of a text. Blanks of other widths are parts of words: they may be in a name.
func Words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' })
}
