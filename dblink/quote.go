package dblink

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// maxRemoteIdent is Redshift's limit of a name, in bytes; a longer one would be cut without a word.
const maxRemoteIdent = 127

var (
	errNUL       = errors.New("text with a zero byte cannot be sent as SQL")
	errEmptyName = errors.New("a name cannot be empty")
	errLongName  = fmt.Errorf("a name cannot be longer than %d bytes on Redshift", maxRemoteIdent)
)

// Literal quotes a text for PostgreSQL. It reads the same whatever standard_conforming_strings says: a text with a
// backslash becomes an escape literal, with an E before it. Zero bytes, which no PostgreSQL text can hold, are left
// out, as in [Ident].
func Literal(s string) string {
	s = strings.ReplaceAll(s, "\x00", "")
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if !strings.Contains(s, `\`) {
		return quoted
	}
	return "E" + strings.ReplaceAll(quoted, `\`, `\\`)
}

// Ident quotes a PostgreSQL name of one or more parts.
func Ident(parts ...string) string { return pgx.Identifier(parts).Sanitize() }

// RemoteLiteral quotes a text for Redshift, where a backslash escapes in every literal, and an E before it is an error.
// It refuses a text with a zero byte.
func RemoteLiteral(s string) (string, error) {
	if strings.Contains(s, "\x00") {
		return "", errNUL
	}
	return "'" + strings.NewReplacer(`'`, `''`, `\`, `\\`).Replace(s) + "'", nil
}

// RemoteIdent quotes one name for Redshift. It refuses an empty name, a zero byte and more than 127 bytes.
func RemoteIdent(s string) (string, error) {
	switch {
	case s == "":
		return "", errEmptyName
	case strings.Contains(s, "\x00"):
		return "", errNUL
	case len(s) > maxRemoteIdent:
		return "", fmt.Errorf("%w: %.40s…", errLongName, s)
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`, nil
}
