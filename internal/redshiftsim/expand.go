package redshiftsim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// expansions turn what depends on the columns of relations, which a text does not tell, into what names them. Each does
// one occurrence and reports whether there was one.
var expansions = []func(st *statement, columns describer) (bool, error){expandUnpivot, expandPivot, expandExclude}

// describer tells the names of the columns of a query.
type describer func(query string) ([]string, error)

// expand returns the statement with everything expanded, or what the engine says of the relations. What cannot be
// expanded stays, for [Lacks] to tell.
func (ses *session) expand(st *statement) (*statement, *EngineError) {
	for _, expansion := range expansions {
		for left := mostTranslations; left > 0; left-- {
			found, err := expansion(st, func(query string) ([]string, error) { return ses.columns(st, query) })
			if said, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(said.Message, `relation "`) {
				return st, &EngineError{Code: said.Code, Message: said.Message}
			}
			if !found || err != nil {
				break
			}
			st = st.again()
		}
	}
	return st, nil
}

// columns asks the engine, through a connection of its own: the session's may be in the midst of something.
func (ses *session) columns(st *statement, query string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ses.server.running, 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, ses.server.cfg.EngineURL)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	asked := *st
	asked.sql, asked.tokens, asked.edits = query, lex(query), nil
	described, err := conn.Prepare(ctx, "", asked.translate().rewrite())
	if err != nil {
		return nil, err
	}
	names := make([]string, len(described.Fields))
	for i, field := range described.Fields {
		names[i] = field.Name
	}
	return names, nil
}

// given is the part of the statement's WITH that a query at i may use.
func (st *statement) given(i int) string {
	at := st.search(0, i, "with")
	if at >= i {
		return ""
	}
	first := at + 1
	if st.word(first) == "recursive" {
		first++
	}
	for n := first; ; {
		open := st.search(n, len(st.tokens)-1, "as") + 1
		closing := st.closing(open)
		if st.sign(open) != "(" || closing < 0 || open < i && i < closing {
			if n == first {
				return ""
			}
			return st.source(at, n-2) + " "
		}
		if n = closing + 1; st.sign(n) != "," {
			return st.source(at, closing) + " "
		}
		n++
	}
}

// expandExclude selects from the query without EXCLUDE what is not excluded.
func expandExclude(st *statement, columns describer) (bool, error) {
	i := st.find("*", "exclude") + 1
	if i == 0 {
		return false, nil
	}
	b, found := st.branchOf(i)
	from := st.search(i, b.to, "from")
	if !found || from > b.to {
		return false, nil
	}
	query := st.source(b.from, i-1) + " " + st.source(from, b.to)
	all, err := columns(st.given(i) + query)
	if err != nil {
		return false, err
	}
	kept := slices.DeleteFunc(all, func(name string) bool { return slices.Contains(st.names(i+1, from-1), name) })
	st.replace(b.from, b.to, "SELECT "+identifiers("", kept)+" FROM ("+query+") AS redshift_exclude")
	return true, nil
}

// names are those that stand between two tokens.
func (st *statement) names(from, to int) (found []string) {
	for i := from; i <= to; i++ {
		if st.isName(i) {
			found = append(found, fold(st.tokens[i].word))
		}
	}
	return found
}

func identifiers(relation string, names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = relation + pgx.Identifier{name}.Sanitize()
	}
	return strings.Join(quoted, ", ")
}

// operator is PIVOT or UNPIVOT, behind a relation.
type operator struct {
	at, open, closing int // the word, and the parenthesis
	source            string
	from, to          int // all of it, with the relation and without an alias
	keyword           int // FOR
	in, inEnd         int // the list behind IN
	all               []string
}

func (st *statement) operator(word string, columns describer) (o operator, found bool, err error) {
	o.at = st.find(word)
	for o.open = o.at + 1; o.open < len(st.tokens) && st.word(o.open) != ""; o.open++ {
	}
	o.closing = st.closing(o.open)
	if o.at < 1 || st.sign(o.open) != "(" || o.closing < 0 {
		return o, false, nil
	}
	first, _ := st.around(o.at)
	for n := first; n < o.at; n = st.skip(n) {
		if st.word(n) == "from" || st.word(n) == "join" || st.sign(n) == "," {
			o.from = n + 1
		}
	}
	o.source, o.to = "SELECT * FROM "+st.source(o.from, o.at-1), o.closing
	if st.sign(o.at-1) == ")" {
		o.source += " AS redshift_source" // which the engine asks for
	}
	o.keyword = st.search(o.open+1, o.closing-1, "for")
	in := st.search(o.keyword, o.closing-1, "in")
	o.in, o.inEnd = in+2, st.closing(in+1)-1
	if in >= o.closing || o.inEnd < o.in {
		return o, false, nil
	}
	o.all, err = columns(st.given(o.at) + o.source)
	return o, true, err
}

// replaced puts a query for the relation and its operator.
func (st *statement) replaced(o operator, query string) {
	alias := ""
	if next := o.to + 1; !(st.word(next) == "as" || st.isName(next) && !st.endsItem(next)) || st.isSetOperator(next) {
		alias = " AS redshift_" + st.word(o.at)
	}
	st.replace(o.from, o.to, "("+query+")"+alias)
}

// expandUnpivot makes a row of each column in the list.
func expandUnpivot(st *statement, columns describer) (bool, error) {
	o, found, err := st.operator("unpivot", columns)
	if !found || err != nil {
		return false, err
	}
	var values, listed []string
	for _, part := range st.parts(o.in, o.inEnd) {
		column, label := fold(st.tokens[part[0]].word), fold(st.tokens[part[0]].word)
		if part[1] > part[0] {
			label = st.tokens[part[1]].word
		}
		listed = append(listed, column)
		values = append(values, fmt.Sprintf("(%s::varchar, %s)", engineLiteral(label), identifiers("s.", []string{column})))
	}
	kept := slices.DeleteFunc(o.all, func(name string) bool { return slices.Contains(listed, name) })
	value, name := st.source(o.open+1, o.keyword-1), st.tokens[o.keyword+1].word
	list := strings.TrimPrefix(identifiers("s.", kept)+", u."+name+", u."+value, ", ")
	query := "SELECT " + list + " FROM (" + o.source + ") AS s CROSS JOIN LATERAL (VALUES " + strings.Join(values, ", ") +
		") AS u (" + name + ", " + value + ")"
	if st.word(o.at+1) != "include" {
		query += " WHERE u." + value + " IS NOT NULL"
	}
	st.replaced(o, query)
	return true, nil
}

// expandPivot makes a column of each value in the list.
func expandPivot(st *statement, columns describer) (bool, error) {
	o, found, err := st.operator("pivot", columns)
	if !found || err != nil {
		return false, err
	}
	column := fold(st.tokens[o.keyword+1].word)
	used := append(st.names(o.open+1, o.keyword-1), column)
	kept := slices.DeleteFunc(o.all, func(name string) bool { return slices.Contains(used, name) })
	list := identifiers("", kept)
	for _, part := range st.parts(o.in, o.inEnd) {
		label, end := st.alias(part)
		if label == "" {
			label = fold(st.tokens[part[1]].word)
		}
		for _, aggregate := range st.parts(o.open+1, o.keyword-1) {
			suffix, last := st.alias(aggregate)
			if suffix != "" {
				suffix = "_" + suffix
			}
			list += fmt.Sprintf(", %s FILTER (WHERE %s = %s) AS %s", st.source(aggregate[0], last), pgx.Identifier{column}.Sanitize(),
				st.source(part[0], end), pgx.Identifier{label + suffix}.Sanitize())
		}
	}
	query := "SELECT " + strings.TrimPrefix(list, ", ") + " FROM (" + o.source + ") AS s"
	if len(kept) > 0 {
		query += " GROUP BY " + identifiers("", kept)
	}
	st.replaced(o, query)
	return true, nil
}
