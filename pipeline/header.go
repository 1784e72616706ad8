package pipeline

import (
	"regexp"
	"slices"
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
// rest is the offset of what is behind them. The comment that says that the query follows as it is, is the last of them.
func header(text string) (tags []tag, rest int) {
	for {
		from := rest + len(text[rest:]) - len(strings.TrimLeft(text[rest:], blanks))
		length := commentLength(text[from:])
		if length == 0 {
			return tags, from
		}
		rest = from + length
		tags = append(tags, tagsOf(text[:rest], from)...)
		if slices.ContainsFunc(tags, func(t tag) bool { return t.name == "query" }) {
			line := strings.TrimPrefix(text[rest:], "\r")
			return tags, len(text) - len(strings.TrimPrefix(line, "\n"))
		}
	}
}

// blanks are those of SQL.
const blanks = " \t\r\n\f"

// tagsOf are the tags of the comment from an offset to the end of a text.
func tagsOf(text string, from int) (tags []tag) {
	ends := " \t\r"
	if strings.HasPrefix(text[from:], "/*") {
		text, ends = strings.TrimSuffix(text, "*/"), ends+"*"
	}
	for from < len(text) {
		line, _, _ := strings.Cut(text[from:], "\n")
		start := from + len(headerLine.FindString(line))
		said := strings.TrimRight(text[start:max(start, from+len(line))], ends)
		if m := tagName.FindStringSubmatch(said); m != nil {
			tags = append(tags, tag{
				name: strings.ToLower(m[1]), value: said[len(m[0]):], at: start, valueAt: start + len(m[0]),
			})
		}
		from += len(line) + 1
	}
	return tags
}

// commentLength is the length of the comment that a text begins with, in which others nest; 0: there is none, or it does not
// end, which is left for whoever reads the query.
func commentLength(text string) int {
	if strings.HasPrefix(text, "--") {
		return strings.IndexByte(text+"\n", '\n')
	}
	if !strings.HasPrefix(text, "/*") {
		return 0
	}
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
