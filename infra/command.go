package infra

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Command is a command for people to paste into a shell, between backquotes, whatever names are in it.
func Command(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = shellWord(word)
	}
	return "`" + strings.Join(quoted, " ") + "`"
}

// shellWord quotes what a shell would not take as it stands. What people would not see is written as escapes, which bash, zsh
// and ksh read.
func shellWord(word string) string {
	switch {
	case word != "" && strings.Trim(word, plainInShells) == "":
		return word
	case strings.IndexFunc(word, unseen) < 0 && utf8.ValidString(word) && !strings.Contains(word, "`"):
		return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for _, c := range []byte(word) {
		if c < ' ' || c > '~' || c == '\'' || c == '\\' || c == '`' {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return "$'" + b.String() + "'"
}

// plainInShells are the characters of which no shell makes anything.
const plainInShells = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,-"
