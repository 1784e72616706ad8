package redshift

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Live is a query whose rows are only shown, so that its columns may be called anything, or nothing.
type Live struct {
	Query   string   // the same rows, with columns that have names to go by
	Columns []Column // of Query
	Names   []string // what its author calls them, which may repeat
}

// DescribeLive is [Describe] for a query whose columns need no names of their own.
func DescribeLive(ctx context.Context, s Describer, query string) (Live, error) {
	columns, err := guarded(ctx, s, query, Describe)
	if !errors.As(err, new(*ColumnError)) {
		return Live{query, columns, namesOf(columns)}, err
	}
	told, _ := guarded(ctx, s, query, told) // names that repeat are not told
	n, counted := len(told), true
	if n == 0 {
		if n, counted = countColumns(ctx, s, query); !counted {
			return Live{}, err
		}
	}
	renamed := Over("*", query, aliases(n))
	if columns, err = guarded(ctx, s, renamed, Describe); err != nil {
		return Live{}, err
	}
	names := namesOf(told)
	if names == nil {
		names = labels(query)
	}
	if len(names) != len(columns) {
		names = namesOf(columns)
	}
	return Live{renamed, columns, names}, nil
}

// guarded describes so that the session can go on when that fails.
func guarded(
	ctx context.Context, s Describer, query string, describe func(context.Context, Describer, string) ([]Column, error),
) (columns []Column, err error) {
	err = s.Guarded(ctx, func() error {
		columns, err = describe(ctx, s, query)
		return err
	})
	return columns, err
}

// aliases names the first n columns of a query that is read as q.
func aliases(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "column" + strconv.Itoa(i+1)
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// tooMany is what Redshift, as PostgreSQL 8.0, says to more names than there are columns.
var tooMany = regexp.MustCompile(`has (\d{1,4}) columns available but \d+ columns specified`)

// countColumns gives a query more names than it can have columns, and reads how many it has in the refusal.
func countColumns(ctx context.Context, s Source, query string) (n int, counted bool) {
	const most = 1600 // columns of a table on Redshift
	_, err := s.Rows(ctx, Over("1", query, aliases(most+1)+" LIMIT 0"), 1)
	remote, refused := errors.AsType[*pgconn.PgError](err)
	if !refused {
		return 0, false
	}
	match := tooMany.FindStringSubmatch(remote.Message)
	if match == nil {
		return 0, false
	}
	n, err = strconv.Atoi(match[1])
	return n, err == nil && n > 0
}

func namesOf(columns []Column) (names []string) {
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// labels returns what Redshift calls the columns of a query, going by its text; nil where it asks for all of a table.
func labels(query string) (names []string) {
	_, body := divide(query)
	tokens, err := tokensOf(body)
	if err != nil || len(tokens) == 0 {
		return nil
	}
	s := scan{query: body, tokens: tokens}
	i := 1
	for selecting[s.word(i)] {
		i++
	}
	for end := i; i < len(tokens); i = end + 1 {
		end = s.itemEnd(i)
		if s.word(end-1) == "*" {
			return nil
		}
		names = append(names, s.labelOf(i, end))
		if s.word(end) != "," {
			break
		}
	}
	return names
}

// itemEnd returns the index behind the item of a select list that begins at i.
func (s scan) itemEnd(i int) int {
	for ; i < len(s.tokens); i++ {
		switch word := s.word(i); {
		case word == "(":
			i = s.closing(i)
		case word == ",", setOperators[word], afterList[word] && !s.isAlias(i) && !s.afterDot(i):
			return i
		}
	}
	return i
}

// afterList are the words that end a select list.
var afterList = wordSet(`from where group having qualify order limit offset fetch`)

// labelOf is what the item from i to end is called: by its label, or by the column or function that it is.
func (s scan) labelOf(i, end int) string {
	for at := end - 1; at > i; at-- { // a cast leaves the name
		if s.word(at) == ":" && s.word(at-1) == ":" && !s.isLabel(end-1) && !s.isAlias(end-1) {
			end = at - 1
		}
	}
	last := end - 1
	if name := s.name(last); name != "" && (last == i || s.afterDot(last) || s.isAlias(last) || s.isLabel(last)) && name != "end" {
		return name
	}
	open := s.openingOf(last)
	if name := s.name(open - 1); open > i && name != "" && (open-1 == i || s.afterDot(open-1)) {
		return name
	}
	if s.word(i) == "case" && s.word(last) == "end" {
		return "case"
	}
	return unnamed
}

// openingOf returns the index of the parenthesis that the one at closing closes, or -1.
func (s scan) openingOf(closing int) int {
	if s.word(closing) != ")" {
		return -1
	}
	return s.opening(closing)
}
