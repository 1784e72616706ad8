package redshift

import (
	"errors"
	"fmt"
	"strings"
)

// maxIdent is Redshift's limit of a name, in bytes; a longer one would be cut without a word.
const maxIdent = 127

var (
	errNUL       = errors.New("text with a zero byte cannot be sent as SQL")
	errEmptyName = errors.New("a name cannot be empty")
	errLongName  = fmt.Errorf("a name cannot be longer than %d bytes on Redshift", maxIdent)
)

// Literal quotes a text for Redshift, where a backslash escapes in every literal, and an E before it is an error.
// It refuses a text with a zero byte.
func Literal(s string) (string, error) {
	if strings.Contains(s, "\x00") {
		return "", errNUL
	}
	return "'" + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(s) + "'", nil
}

// Ident quotes one name for Redshift. It refuses an empty name, a zero byte and more than 127 bytes.
func Ident(s string) (string, error) {
	switch {
	case s == "":
		return "", errEmptyName
	case strings.Contains(s, "\x00"):
		return "", errNUL
	case len(s) > maxIdent:
		return "", fmt.Errorf("%w: %.40s…", errLongName, s)
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`, nil
}
