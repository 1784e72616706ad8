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
	line, taken := "", 0
	for _, word := range Words(text) {
		width := Width(word)
		switch {
		case line == "":
			line, taken = word, width
		case taken+1+width <= columns:
			line, taken = line+" "+word, taken+1+width
		default:
			lines, line, taken = append(lines, line), word, width
		}
	}
	return append(lines, line)
}

// Words are what stands between the blanks of a text. Blanks of other widths are parts of words: they may be in a name.
func Words(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ' ' })
}

// Chunks breaks a text into lines of at most so many columns: at blanks, and a word that is longer wherever it has to be.
func Chunks(text string, columns int) (lines []string) {
	for _, line := range Lines(text, columns) {
		for Width(line) > columns {
			part := line[:fitting(line, columns)]
			lines, line = append(lines, part), line[len(part):]
		}
		lines = append(lines, line)
	}
	return lines
}

// fitting is how many bytes of a text take at most so many columns, and at least one character of it.
func fitting(text string, columns int) (bytes int) {
	rest, state, taken := text, -1, 0
	for rest != "" {
		var cluster string
		var width int
		cluster, rest, width, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if taken += width; taken > columns && bytes > 0 {
			break
		}
		bytes += len(cluster)
	}
	return bytes
}
