package impact

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/redcache/redcache/catalog"
)

// words are the names and signs of a text of SQL, those between quotes as well: a function may make a statement of them.
// Names are without quotes and in small letters: the text may quote them later, or not at all.
type words struct {
	list []string
	has  map[string]bool
}

func wordsOf(text string) words {
	w := words{has: map[string]bool{}}
	for text != "" {
		n := wordLength(text)
		word := text[:n]
		if text = text[n:]; strings.TrimSpace(word) == "" {
			continue
		}
		if quoted := strings.TrimPrefix(word, `"`); n > 1 && len(quoted) < n {
			word = strings.TrimSuffix(quoted, `"`)
		}
		word = strings.ToLower(word)
		w.list, w.has[word] = append(w.list, word), true
	}
	return w
}

// wordLength is that of the name, or else the sign, that a text begins with.
func wordLength(text string) int {
	if n := strings.IndexFunc(text, func(r rune) bool { return !inName(r) }); n != 0 {
		if n < 0 {
			return len(text)
		}
		return n
	}
	if end := closing(text); text[0] == '"' && end > 0 {
		return end
	}
	_, n := utf8.DecodeRuneInString(text)
	return n
}

// closing is where a name ends whose quote a text begins with; 0 when it has no end, or is too long for one.
func closing(text string) int {
	const longest = 2 * 63
	for i := 1; i < min(len(text), longest); i++ {
		if text[i] == '"' {
			return i + 1
		}
	}
	return 0
}

func inName(r rune) bool {
	return r == '_' || r == '$' || '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z' || r >= utf8.RuneSelf
}

// use says whether a text uses what is taken away, and which columns of it.
func (w words) use(l Loss) (columns []string, found bool) {
	if !w.name(l.View) {
		return nil, false
	}
	for _, c := range l.Columns {
		if w.has[strings.ToLower(c)] {
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
	name, schema := strings.ToLower(view.View), strings.ToLower(view.Schema)
	if !w.has[name] {
		return false
	}
	for i, word := range w.list {
		if word == name && (i < 2 || w.list[i-1] != "." || w.list[i-2] == schema) {
			return true
		}
	}
	return false
}

// all says whether it asks for all columns.
func (w words) all() bool {
	for i, word := range w.list {
		if i > 0 && word == "*" && slices.Contains([]string{"select", "distinct", "all", ",", "."}, w.list[i-1]) {
			return true
		}
	}
	return false
}
