package impact

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/redcache/redcache/catalog"
)

// words are the names and signs of a text of SQL, those between quotes as well: a function may make a statement of them.
type words []string

func wordsOf(text string) (all words) {
	for text != "" {
		n := wordLength(text)
		word := text[:n]
		if text = text[n:]; strings.TrimSpace(word) != "" {
			all = append(all, word)
		}
	}
	return all
}

// wordLength is that of the name, or else the sign, that a text begins with.
func wordLength(text string) int {
	if n := strings.IndexFunc(text, func(r rune) bool { return !inName(r) }); n != 0 {
		if n < 0 {
			return len(text)
		}
		return n
	}
	if end := strings.IndexByte(text[1:], '"'); text[0] == '"' && end > 0 && end <= longestName {
		return end + len(`""`)
	}
	_, n := utf8.DecodeRuneInString(text)
	return n
}

// longestName is how many bytes there are between quotes; more is something else.
const longestName = 2 * 63

func inName(r rune) bool {
	return r == '_' || r == '$' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z' || r > utf8.RuneSelf
}

// is says whether a word names something: however it is written, since the text may quote it later.
func is(word, name string) bool {
	if quoted, found := strings.CutPrefix(word, `"`); found {
		word = strings.ReplaceAll(strings.TrimSuffix(quoted, `"`), `""`, `"`)
	}
	return strings.EqualFold(word, name)
}

// use says whether a text uses what is taken away, and which columns of it.
func (w words) use(l Loss) (columns []string, found bool) {
	if !w.name(l.View) {
		return nil, false
	}
	for _, c := range l.Columns {
		if slices.ContainsFunc(w, func(word string) bool { return is(word, c) }) {
			columns = append(columns, c)
		}
	}
	if len(l.Columns) > 0 && w.all() {
		columns = append(columns, "*")
	}
	return columns, l.Goes || columns != nil
}

// name says whether the view is named: with its schema before it, or with none.
func (w words) name(view catalog.Name) bool {
	for i, word := range w {
		if is(word, view.View) && (i < 2 || w[i-1] != "." || is(w[i-2], view.Schema)) {
			return true
		}
	}
	return false
}

// all says whether it asks for all columns.
func (w words) all() bool {
	for i, word := range w {
		if i > 0 && word == "*" && slices.ContainsFunc([]string{"select", "distinct", "all", ",", "."}, func(before string) bool { return is(w[i-1], before) }) {
			return true
		}
	}
	return false
}
