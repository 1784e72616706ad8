package redshiftsim

import (
	"slices"
	"strings"
)

// translateMinus turns MINUS between queries into EXCEPT.
func translateMinus(st *statement) bool {
	for i := len(st.tokens) - 1; i > 0; i-- {
		next := i + 1
		for st.sign(next) == "(" {
			next++
		}
		if st.word(i) == "minus" && st.sign(i-1) != "." && (st.word(next) == "select" || st.word(next) == "with") {
			st.replace(i, i, "EXCEPT")
			return true
		}
	}
	return false
}

// translateApproximate leaves APPROXIMATE out: an exact answer is one of the approximate ones.
func translateApproximate(st *statement) bool {
	for i := len(st.tokens) - 1; i >= 0; i-- {
		counts := st.reads(i+1, "count", "(") || st.reads(i+1, "percentile_disc", "(")
		if st.word(i) == "approximate" && counts {
			st.replace(i, i, "")
			return true
		}
	}
	return false
}

// translateTop turns SELECT TOP n into LIMIT n.
func translateTop(st *statement) bool {
	for i := len(st.tokens) - 1; i > 0; i-- {
		kind, ok := st.kind(i + 1)
		begins := st.word(i-1) == "select" || st.word(i-1) == "distinct" || st.word(i-1) == "all"
		if st.word(i) != "top" || !begins || !ok || kind != numberToken {
			continue
		}
		b, found := st.branchOf(i)
		if !found {
			return false
		}
		st.closeBranch(b, " LIMIT "+st.original(i+1))
		st.replace(i, i+1, "")
		return true
	}
	return false
}

// translateQualify puts the condition behind ORDER BY, as a function that returns one row or none: the engine calls it
// after the window functions, and drops what has no row.
func translateQualify(st *statement) bool {
	for i := len(st.tokens) - 1; i > 0; i-- {
		if st.word(i) != "qualify" || st.sign(i-1) == "." || st.word(i-1) == "as" || !st.endsQualify(i) {
			continue
		}
		b, found := st.branchOf(i)
		if !found {
			return false
		}
		end := st.search(i, b.to, "order", "limit", "offset") - 1
		if end <= i {
			return false
		}
		condition := "pg_catalog.generate_series(1, CASE WHEN " + st.withNames(i+1, end, st.windows(b)) + " THEN 1 ELSE 0 END)"
		st.replace(i, end, "")
		orders := !b.several && st.word(end+1) == "order"
		switch {
		case orders:
			st.insert(st.search(end+1, b.to, "limit", "offset"), ", "+condition+" ")
		case b.several:
			st.closeBranch(b, " ORDER BY "+condition)
		default:
			st.insert(end+1, " ORDER BY "+condition+" ")
		}
		return true
	}
	return false
}

// endsQualify tells the clause from a name: what stands before it ends a FROM, WHERE, GROUP BY or HAVING.
func (st *statement) endsQualify(i int) bool {
	first, _ := st.around(i)
	return st.search(first, i, "from") < i && !st.endsItem(i+1) && st.sign(i+1) != "."
}

// windows are the names in a branch's select list that stand for window functions, which QUALIFY may use.
func (st *statement) windows(b branch) map[string]string {
	names := map[string]string{}
	for _, item := range st.selectList(b) {
		name, end := st.alias(item)
		for i := item[0]; name != "" && i <= end; i++ {
			if st.word(i) == "over" {
				names[name] = st.source(item[0], end)
				break
			}
		}
	}
	return names
}

// outerJoin is a branch with conditions that have (+).
type outerJoin struct {
	st         *statement
	items      []joinItem
	conditions [][2]int // of WHERE, that have (+)
}

// joinItem is a relation of a FROM list.
type joinItem struct {
	from, to int
	name     string   // by which columns call it
	on       []string // the conditions with its (+)
}

// translateOuterJoin turns the (+) of a comma-separated FROM list into LEFT JOINs.
func translateOuterJoin(st *statement) bool {
	at := st.find("(", "+", ")")
	if at < 0 {
		return false
	}
	b, found := st.branchOf(at)
	if !found {
		return false
	}
	from := st.search(b.from, b.to, "from")
	where := st.search(from, b.to, "where")
	if where > b.to || st.search(from, where, "join") < where {
		return false
	}
	end := st.search(where, b.to, "group", "having", "order", "limit", "offset", "qualify") - 1
	j := outerJoin{st: st}
	for _, part := range st.parts(from+1, where-1) {
		j.items = append(j.items, joinItem{from: part[0], to: part[1], name: st.tokens[part[1]].word})
	}
	if !j.collect(where+1, end) {
		return false
	}
	st.replace(from+1, where-1, j.joined())
	return true
}

// collect gives the conditions with (+) to the relations that they mark, and takes them out of WHERE.
func (j *outerJoin) collect(from, to int) bool {
	begin := from
	for i := from; i <= to+1; i++ {
		if i <= to && j.st.word(i) != "and" {
			if j.st.sign(i) == "(" && !j.st.reads(i, "(", "+", ")") {
				i = j.st.closing(i)
			}
			continue
		}
		if !j.take(begin, i-1) {
			return false
		}
		begin = i + 1
	}
	return len(j.conditions) > 0
}

// take looks at one condition. It is false for one that marks no relation of the FROM list.
func (j *outerJoin) take(from, to int) bool {
	marked, text := "", strings.Builder{}
	at := j.st.tokens[from].start
	for i := from; i <= to; i++ {
		if j.st.reads(i, "(", "+", ")") {
			if j.st.sign(i-2) == "." {
				marked = j.st.tokens[i-3].word
			}
			text.WriteString(j.st.sql[at:j.st.tokens[i].start])
			at = j.st.tokens[i+2].end
		}
	}
	text.WriteString(j.st.sql[at:j.st.tokens[to].end])
	if at == j.st.tokens[from].start {
		return true // nothing is marked
	}
	for i := range j.items {
		if item := &j.items[i]; item.name == marked {
			item.on = append(item.on, text.String())
			j.conditions = append(j.conditions, [2]int{from, to})
			j.st.replace(from, to, "true")
			return true
		}
	}
	return false
}

// joined is the new FROM list: first what nothing marks, then what is marked, in an order in which each condition finds
// the relations that it names.
func (j *outerJoin) joined() string {
	var text strings.Builder
	slices.SortStableFunc(j.items, func(a, b joinItem) int { return min(len(a.on), 1) - min(len(b.on), 1) })
	for i, item := range j.inOrder() {
		switch source := j.st.source(item.from, item.to); {
		case len(item.on) > 0:
			text.WriteString(" LEFT JOIN " + source + " ON " + strings.Join(item.on, " AND "))
		case i > 0:
			text.WriteString(" CROSS JOIN " + source)
		default:
			text.WriteString(" " + source)
		}
	}
	return text.String()
}

func (j *outerJoin) inOrder() []joinItem {
	var done []joinItem
	rest := j.items
	for len(rest) > 0 {
		next := slices.IndexFunc(rest, func(item joinItem) bool {
			return !slices.ContainsFunc(rest, func(other joinItem) bool { return other.name != item.name && item.needs(other.name) })
		})
		next = max(next, 0) // a circle is for the engine to refuse
		done = append(done, rest[next])
		rest = slices.Delete(slices.Clone(rest), next, next+1)
	}
	return done
}

// needs tells whether the conditions of an item name another one.
func (item joinItem) needs(name string) bool {
	for _, condition := range item.on {
		tokens := lex(condition)
		for i := range len(tokens) - 1 {
			if tokens[i].word == name && tokens[i+1].word == "." {
				return true
			}
		}
	}
	return false
}
