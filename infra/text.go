package infra

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// What servers and other people's objects say is bounded where it comes in, by [Bounded], and escaped where it goes
// out to people, by [Printable].

const (
	// maxSaid is how many bytes are kept of one text that a server says.
	maxSaid = 1000
	// maxMessage is how many bytes a message has that is made of several.
	maxMessage = 4000
)

// Bounded is a text that a server says, as far as it is kept: valid UTF-8 without zero bytes, about a kilobyte at most.
// What is cut off is said.
func Bounded(text string) string { return cut(text, maxSaid) }

// BoundedMessage is the same for a message that is made of several texts, four kilobytes at most.
func BoundedMessage(text string) string { return cut(text, maxMessage) }

func cut(text string, most int) string {
	if size := len(text); size > most {
		const room = 40 // for what is said in its place
		end := most - room
		for end > most-room-utf8.UTFMax && !utf8.RuneStart(text[end]) {
			end--
		}
		text = fmt.Sprintf("%s… (%d bytes in all)", text[:end], size)
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "")
}

// Printable makes one line of a text, in which nothing moves a terminal's cursor, changes its colours, turns the
// direction of what is written, or is there without being seen. Such characters, and bytes that are no UTF-8, are
// written as escapes.
func Printable(text string) string {
	if strings.IndexFunc(text, unseen) < 0 && utf8.ValidString(text) {
		return text
	}
	var b strings.Builder
	before := rune(0)
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		next, _ := utf8.DecodeRuneInString(text[size:])
		switch {
		case r == zeroWidthJoiner && pictured(before) && pictured(next):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case unseen(r):
			b.WriteString(escape(r))
		default:
			b.WriteString(text[:size])
		}
		before, text = r, text[size:]
	}
	return b.String()
}

// zeroWidthJoiner makes one picture of two: a family, a profession, a flag.
const zeroWidthJoiner = '\u200d'

func pictured(r rune) bool { return unicode.In(r, unicode.So, unicode.Sk, unicode.Variation_Selector) }

// unseen says whether a character is not simply shown where it stands. Blanks of all widths are.
func unseen(r rune) bool { return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) }

func escape(r rune) string {
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02x`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// PrintableLines is [Printable] for a text of several lines, which stay.
func PrintableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = Printable(line)
	}
	return strings.Join(lines, "\n")
}

// PrintableJSON returns a writer of JSON that escapes inside of texts what encoding/json lets through and a terminal
// would act upon. Each write must end between two characters.
func PrintableJSON(w io.Writer) io.Writer { return jsonEscaper{w} }

type jsonEscaper struct{ w io.Writer }

func (e jsonEscaper) Write(p []byte) (int, error) {
	text := string(p)
	if strings.IndexFunc(text, unseenInJSON) < 0 {
		return e.w.Write(p)
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case !unseenInJSON(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	if _, err := io.WriteString(e.w, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unseenInJSON leaves out the line ends and indents between the texts; within them, encoding/json has escaped them.
func unseenInJSON(r rune) bool { return r >= 0x7f && unseen(r) }
