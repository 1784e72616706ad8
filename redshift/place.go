package redshift

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// NoPlace is the place of what stands nowhere in a query, or of which nobody can tell where.
const NoPlace = -1

// PlaceOf finds where in a query that [Describe] was given Redshift has found something: the offset, or [NoPlace] where that
// cannot be told for certain. dblink hands on no position, so it is read from the complaint, which libpq writes for people:
// the line of the statement, cut where it is long, and a mark below it.
func PlaceOf(query, complaint string) int {
	from, main, to := division(query)
	at := pointedAt(describeCreate+Limited(query, 0), complaint)
	switch at -= len(describeCreate); {
	case at < 0:
		return NoPlace
	case at < main-from:
		return from + at
	}
	switch at -= main - from + len("SELECT *"+overOpens); {
	case at < 0:
		return NoPlace
	case at <= to-main:
		return main + at
	case at == to-main+strings.IndexByte(overCloses, ')'):
		return to // it goes on with our parenthesis, where it has to go on with something else
	}
	return NoPlace
}

// pointer is a line of a statement and the mark below it. In whatever language it says "line", its letters are narrow.
var pointer = regexp.MustCompile(`(?m)^([\p{Latin}\p{Cyrillic}]+ (\d+) ?: )(.*)\n( *)\^$`)

const cut = "..." // what libpq leaves out of a line

// pointedAt is the offset in a statement that a complaint marks, or [NoPlace].
func pointedAt(statement, complaint string) int {
	all := pointer.FindAllStringSubmatch(complaint, -1)
	if all == nil {
		return NoPlace
	}
	found := all[len(all)-1] // what Redshift says itself, and may quote, stands before it
	number, _ := strconv.Atoi(found[2])
	begin, line := lineOf(statement, number)
	shown, mark := found[3], len(found[4])-utf8.RuneCountInString(found[1])
	column, certain := prefixOf(shown, mark)
	if !certain {
		return NoPlace
	}
	if strings.HasPrefix(line, strings.TrimSuffix(shown, cut)) {
		return begin + column
	}
	piece := strings.TrimSuffix(strings.TrimPrefix(shown, cut), cut)
	at := strings.Index(line, piece)
	if !strings.HasPrefix(shown, cut) || at < 0 || at != strings.LastIndex(line, piece) || column < len(cut) {
		return NoPlace
	}
	return begin + at + column - len(cut)
}

// lineOf is a line of a statement, counted and written as libpq does, and where it begins.
func lineOf(statement string, number int) (begin int, line string) {
	for i, one := range lineEnd.Split(statement, -1) {
		if i == number-1 {
			return begin, strings.ReplaceAll(one, "\t", " ")
		}
		begin += len(one) + len(lineEnd.FindString(statement[begin+len(one):]))
	}
	return 0, ""
}

var lineEnd = regexp.MustCompile(`\r\n|\r|\n`)

// prefixOf is how many bytes stand in front of a mark. That is not certain where a character may be two columns wide.
func prefixOf(shown string, mark int) (bytes int, certain bool) {
	const wide = 0x1100 // none before it is
	for ; mark > 0; mark-- {
		r, size := utf8.DecodeRuneInString(shown[bytes:])
		if r >= wide || size == 0 {
			return 0, false
		}
		bytes += size
	}
	return bytes, mark == 0
}
