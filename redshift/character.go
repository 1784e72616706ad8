package redshift

import (
	"fmt"
	"strings"
	"unicode"
)

// checkCharacters names what looks like a blank, a quote or a sign outside of quotes, and is none to Redshift: it takes
// every character beyond ASCII for a letter, and so `id FROM` with a no-break space in it for one long name.
func checkCharacters(query string, t token) error {
	if t.kind != tokenWord && t.kind != tokenOther {
		return nil
	}
	for i, r := range t.text(query) {
		what := misread(r)
		if what == "" {
			continue
		}
		if unicode.IsPrint(r) {
			what += ", " + string(r)
		}
		return problemAt(query, t.from+i, fmt.Sprintf("%s (U+%04X)", what, r), misreadFix)
	}
	return nil
}

const misreadFix = `Write the plain character instead: a blank, ' or ", - or a bracket. If it belongs to a name, put the name in double quotes.`

// misread says what a character outside of quotes looks like, or "" for one that means what it shows.
func misread(r rune) string {
	switch {
	case r <= unicode.MaxASCII:
		if unicode.IsControl(r) {
			return "a control character"
		}
		return ""
	case r == '\ufeff':
		return "a byte order mark"
	case strings.ContainsRune("\u00a0\u2007\u202f", r):
		return "a no-break space"
	case unicode.In(r, unicode.Z) || r == '\u0085':
		return "a space that is none"
	case unicode.In(r, unicode.Cc, unicode.Cf):
		return "an invisible character"
	case unicode.In(r, unicode.Pi, unicode.Pf) || strings.ContainsRune("‚„´′″＇＂‵‶", r):
		return "a typographic quote"
	case unicode.In(r, unicode.Pd) || r == '−':
		return "a typographic dash"
	case unicode.In(r, unicode.Ps, unicode.Pe) || strings.ContainsRune("，；：．＝＊＋／＜＞、；", r):
		return "a typographic sign"
	}
	return ""
}
