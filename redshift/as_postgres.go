package redshift

import "strings"

// AsPostgres writes a query so that a parser of PostgreSQL can read it, for who wants to know which columns it is made of. What
// only changes how its rows are computed may go; which columns it names, and where, stays. Never run what it returns. What has
// no form in PostgreSQL stays as it is, and the parser refuses it.
func AsPostgres(query string) (string, error) {
	tokens, err := tokensOf(query)
	if err != nil {
		return "", err
	}
	r := rewriting{scan: scan{query: query, tokens: tokens}, instead: map[int]string{}, after: map[int]string{}}
	for i := range tokens {
		r.rewrite(i)
	}
	return r.String(), nil
}

// rewriting is a query, and what some of its tokens become.
type rewriting struct {
	scan
	instead map[int]string
	after   map[int]string // what is added behind them
}

// String is the query as it has become.
func (r rewriting) String() string {
	var text strings.Builder
	from := 0
	for i, t := range r.tokens {
		text.WriteString(r.query[from:t.from])
		instead, known := r.instead[i]
		if !known {
			instead = t.text(r.query)
		}
		text.WriteString(instead)
		text.WriteString(r.after[i])
		from = t.to
	}
	text.WriteString(r.query[from:])
	return text.String()
}

func (r rewriting) drop(from, to int) {
	for i := from; i < to; i++ {
		r.instead[i] = ""
	}
}

// rewrite sees to what begins at token i.
func (r rewriting) rewrite(i int) {
	if text := r.text(i); r.tokens[i].kind == tokenQuoted && text[0] == '\'' && strings.Contains(text, `\`) {
		r.instead[i] = " E" + text
		return
	}
	if r.afterDot(i) || r.isAlias(i) {
		return
	}
	switch r.word(i) {
	case "top":
		r.top(i)
	case "minus":
		if next := r.word(i + 1); next == "select" || next == "(" || next == "with" {
			r.instead[i] = "EXCEPT"
		}
	case "qualify":
		if r.isLabel(i) {
			r.qualify(i)
		}
	case "approximate":
		if r.word(i+2) == "(" {
			r.drop(i, i+1)
		}
	case "ignore", "respect":
		if r.word(i+1) == "nulls" && r.isLabel(i) {
			r.drop(i, i+2)
		}
	case "convert":
		r.convert(i)
	case "within":
		if open := r.opening(i - 1); r.word(i-1) == ")" && r.word(open+1) == "distinct" {
			r.drop(open+1, open+2) // which PostgreSQL does not take together
		}
	}
}

// top makes a LIMIT of TOP 5, and of TOP (5).
func (r rewriting) top(i int) {
	before := r.word(i - 1)
	if before != "select" && before != "distinct" && before != "all" {
		return
	}
	switch {
	case i+1 < len(r.tokens) && r.tokens[i+1].kind == tokenNumber:
		r.limit(i, i+2)
	case r.word(i+1) == "(" && r.isValueBehind(r.closing(i+1)):
		r.limit(i, r.closing(i+1)+1)
	}
}

// limit moves a number of rows, with TOP before it, to where its SELECT ends.
func (r rewriting) limit(top, behind int) {
	r.after[r.end(behind)-1] = " LIMIT " + r.query[r.tokens[top+1].from:r.tokens[behind-1].to]
	r.drop(top, behind)
}

// end is the token behind the SELECT that the token at i is in.
func (r rewriting) end(i int) int {
	for ; i < len(r.tokens); i++ {
		switch r.word(i) {
		case "(":
			i = r.closing(i)
		case ")", ";":
			return i
		case "union", "intersect", "except", "minus":
			if !r.afterDot(i) && !r.isAlias(i) {
				return i
			}
		}
	}
	return len(r.tokens)
}

// isValueBehind tells whether a column follows on a parenthesis, as in TOP (5) a, not in top(5) AS a.
func (r rewriting) isValueBehind(closing int) bool {
	next := r.word(closing + 1)
	return next != "as" && next != "," && next != "from" && next != ""
}

// qualify makes a condition on the rows of it that PostgreSQL knows: behind a HAVING it is one more.
func (r rewriting) qualify(i int) {
	r.instead[i] = "HAVING"
	for at := i - 1; at >= 0; at-- {
		switch r.word(at) {
		case ")":
			at = r.opening(at)
		case "(", "select":
			return
		case "having":
			if !r.afterDot(at) {
				r.instead[i] = "AND"
			}
			return
		}
	}
}

// convert makes a CAST of CONVERT(type, value).
func (r rewriting) convert(i int) {
	if r.word(i+1) != "(" {
		return
	}
	end := r.closing(i + 1)
	for at := i + 2; at < end; at++ {
		switch r.word(at) {
		case "(":
			at = r.closing(at)
		case ",":
			if end == len(r.tokens) {
				return
			}
			kind := r.query[r.tokens[i+2].from:r.tokens[at-1].to]
			r.drop(i+2, at+1)
			r.instead[i], r.instead[end] = "CAST", " AS "+kind+")"
			return
		}
	}
}
