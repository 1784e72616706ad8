package refresh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// ruled is a relation that is held against rules, as a statement names it, and what stands for the views that they refer to.
type ruled struct {
	relation string
	referred map[catalog.Name]string
}

// measured are the rules that one look at all rows decides.
func measured(rules []catalog.Rule) (some []catalog.Rule) {
	for _, r := range rules {
		if !alone(r) {
			some = append(some, r)
		}
	}
	return some
}

// alone says whether a rule is looked at in a statement of its own: where it may take long, or not be computed, an error tells
// which rule it was.
func alone(r catalog.Rule) bool {
	return slices.Contains([]catalog.RuleKind{catalog.UniqueRule, catalog.ReferencesRule, catalog.SQLRule}, r.Kind)
}

// measure asks for the number of rows and, of each of the rules, for a number of rows that break it; of freshness, for whether it is
// broken, as 0 or 1, and for the newest value.
func (on ruled) measure(rules []catalog.Rule) string {
	asked := []string{"pg_catalog.count(*)"}
	for _, r := range rules {
		switch r.Kind {
		case catalog.NotNullRule, catalog.AcceptedRule:
			asked = append(asked, fmt.Sprintf("pg_catalog.count(*) FILTER (WHERE %s)", on.breaks(r)))
		case catalog.FreshnessRule:
			newest := "pg_catalog.max(q." + sql.Ident(r.Columns[0]) + ")"
			asked = append(asked,
				fmt.Sprintf("CASE WHEN %s::pg_catalog.timestamptz OPERATOR(pg_catalog.%s) (pg_catalog.statement_timestamp() "+
					"OPERATOR(pg_catalog.-) '%d microseconds'::pg_catalog.interval) THEN 0 ELSE 1 END",
					newest, map[string]string{"<": ">", "<=": ">="}[r.Operator], r.Age.Microseconds()),
				newest+"::pg_catalog.text")
		}
	}
	return fmt.Sprintf("SELECT %s FROM %s AS q", strings.Join(asked, ", "), on.relation)
}

// countBroken asks for the number of rows that break a rule that is looked at alone.
func (on ruled) countBroken(r catalog.Rule) string {
	if r.Kind == catalog.UniqueRule {
		return fmt.Sprintf("SELECT coalesce(pg_catalog.sum(n), 0)::pg_catalog.int8 FROM (SELECT pg_catalog.count(*) AS n %s) AS d", on.repeats(r))
	}
	return fmt.Sprintf("SELECT pg_catalog.count(*) FROM %s AS q WHERE %s", on.relation, on.breaks(r))
}

// breaks is true of a row that breaks a rule. As in a CHECK of PostgreSQL's, what is not known breaks none.
func (on ruled) breaks(r catalog.Rule) string {
	switch r.Kind {
	case catalog.NotNullRule:
		return relation.NullKey(r.Columns)
	case catalog.AcceptedRule:
		terms := make([]string, len(r.Values))
		for i, value := range r.Values {
			terms[i] = fmt.Sprintf("q.%s OPERATOR(pg_catalog.=) %s", sql.Ident(r.Columns[0]), sql.LiteralLine(value))
		}
		return "NOT (" + strings.Join(terms, " OR ") + ")"
	case catalog.ReferencesRule:
		column := "q." + sql.Ident(r.Columns[0])
		return fmt.Sprintf("%s IS NOT NULL AND NOT EXISTS (SELECT FROM %s AS o WHERE o.%s OPERATOR(pg_catalog.=) %s)",
			column, on.referred[r.View], sql.Ident(r.ViewColumn), column)
	}
	return "NOT (" + r.Expression + "\n)" // which may end in a comment
}

// repeats groups the rows that have the same values as others. Where one is not known, none does.
func (on ruled) repeats(r catalog.Rule) string {
	known := make([]string, len(r.Columns))
	for i, name := range r.Columns {
		known[i] = "q." + sql.Ident(name) + " IS NOT NULL"
	}
	return fmt.Sprintf("FROM %s AS q WHERE %s GROUP BY %s HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1",
		on.relation, strings.Join(known, " AND "), relation.IdentList("q.", r.Columns))
}

// maxExamples is how many rows are shown of those that break a rule.
const maxExamples = 5

// examples asks for the first of them, by some columns, and returns these; none where no column tells one from another.
func (on ruled) examples(r catalog.Rule, key []string) (query string, columns []string) {
	from := ""
	switch {
	case r.Kind == catalog.UniqueRule:
		from, columns = on.repeats(r), r.Columns
	case len(key) > 0:
		from, columns = fmt.Sprintf("FROM %s AS q WHERE %s", on.relation, on.breaks(r)), key
	case r.Kind == catalog.AcceptedRule || r.Kind == catalog.ReferencesRule:
		from, columns = fmt.Sprintf("FROM %s AS q WHERE %s GROUP BY %s", on.relation, on.breaks(r), relation.IdentList("q.", r.Columns)), r.Columns
	default:
		return "", nil
	}
	texts := make([]string, len(columns))
	for i, name := range columns {
		const most = 100 // characters
		texts[i] = fmt.Sprintf(`pg_catalog."left"(q.%s::pg_catalog.text, %d)`, sql.Ident(name), most)
	}
	return fmt.Sprintf("SELECT %s %s ORDER BY %s LIMIT %d",
		strings.Join(texts, ", "), from, relation.IdentList("q.", columns), maxExamples), columns
}
