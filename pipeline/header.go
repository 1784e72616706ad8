package pipeline

import (
	"regexp"
	"strings"
)

// tag is a line of a header that says something: @name value.
type tag struct {
	name, value string
	at, valueAt int // offsets in the file
}

// headerLine is a line of a comment, with what may stand before a tag: a star, or the dashes of a line comment.
var headerLine = regexp.MustCompile(`^[ \t]*(?:/\*+|\*+(?:[^/]|$)|--+)?[ \t]*`)

var tagName = regexp.MustCompile(`^@([A-Za-z][A-Za-z0-9_-]*)[ \t]*`)

// header reads the comments with which a text begins. Lines that are no tag say something to people only.
// rest is the offset of what is behind the comments.
func header(text string) (tags []tag, rest int) {
	rest = pastComments(text, 0)
	for from := 0; from < rest; {
		line, _, _ := strings.Cut(text[from:rest], "\n")
		start := from + len(headerLine.FindString(line))
		said := strings.TrimRight(strings.TrimSuffix(strings.TrimRight(text[start:max(start, from+len(line))], " \t\r"), "*/"), " \t\r*")
		if m := tagName.FindStringSubmatch(said); m != nil {
			tags = append(tags, tag{
				name: strings.ToLower(m[1]), value: said[len(m[0]):], at: start, valueAt: start + len(m[0]),
			})
		}
		from += len(line) + 1
	}
	return tags, rest
}

// pastComments is the offset of the first character that is neither blank nor a comment. A comment that does not end is
// left for whoever reads the query.
func pastComments(text string, at int) int {
	for at < len(text) {
		rest := text[at:]
		end := 0
		switch {
		case strings.ContainsRune(" \t\r\n\f", rune(rest[0])):
			end = 1
		case strings.HasPrefix(rest, "--"):
			end = strings.IndexByte(rest+"\n", '\n')
		case strings.HasPrefix(rest, "/*"):
			end = commentLength(rest)
		}
		if end <= 0 {
			return at
		}
		at += end
	}
	return at
}

// commentLength is the length of the comment that a text begins with, in which others nest; 0: it does not end.
func commentLength(text string) int {
	depth := 0
	for i := 0; i < len(text)-1; i++ {
		switch text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// misplaced finds a line behind the header that looks like one of it.
func misplaced(text string, from int) (at int, name string, found bool) {
	for _, m := range misplacedLine.FindAllStringSubmatchIndex(text[from:], -1) {
		if name = strings.ToLower(text[from+m[2] : from+m[3]]); known(name) {
			return from + m[2] - 1, name, true
		}
	}
	return 0, "", false
}

var misplacedLine = regexp.MustCompile(`(?m)^[ \t]*(?:/\*+|\*+|--+)[ \t]*@([A-Za-z][A-Za-z0-9_-]*)`)
