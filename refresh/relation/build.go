package relation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// Column is a column of a generation: its name, and its type here.
type Column struct{ Name, Type string }

// BuildSteps make an empty generation. selectSQL is what a materialized view is made of.
func BuildSteps(v catalog.View, generation int32, columns []Column, selectSQL string) []plan.Step {
	relation, kind := v.RelationSQL(generation), relationKind(v)
	create := plan.Step{Title: "create generation", Hazards: []plan.Hazard{plan.Rebuild}}
	switch {
	case v.Rowless():
		create = plan.Step{Title: "create generation", SQL: rowlessBody(v, relation, columns)}
	case v.Materialized():
		create.SQL = fmt.Sprintf("CREATE %s %s AS %s WITH NO DATA", kind, relation, markRepeats(v, columns, selectSQL))
	default:
		create.SQL = fmt.Sprintf("CREATE %s %s (%s)", kind, relation, ColumnDefinitions(v, columns))
	}
	comment := fmt.Sprintf("Redcache: generation %d of %s. Applications query %s.", generation, v.Name, v.Name)
	steps := []plan.Step{
		create,
		{Title: "comment on generation", SQL: fmt.Sprintf("COMMENT ON %s %s IS %s", kind, relation, sql.Literal(comment))},
	}
	if !v.Materialized() && !v.Rowless() {
		// Whoever publishes all tables to a replica would keep rows from being changed otherwise, by the very load that is
		// the first.
		steps = append(steps, IdentityStep(relation, nil))
	}
	return steps
}

// rowlessBody makes a view over the inputs by the names that readers know them by, so that it goes on through their switches.
func rowlessBody(v catalog.View, relation string, columns []Column) string {
	return fmt.Sprintf("CREATE VIEW %s (%s) AS %s", relation, IdentList("", names(columns)), v.Written(catalog.Name.SQL))
}

// markRepeats adds a column to the rows of a keyed materialized view, which readers do not see: whether the key repeats.
// Without it, REFRESH … CONCURRENTLY would take rows that are alike for one, if they have a NULL anywhere: its own check
// leaves these out, and each of them finds its like in the view. With it, none does, and the key's index refuses them.
func markRepeats(v catalog.View, columns []Column, selectSQL string) string {
	if len(v.Key) == 0 {
		return selectSQL
	}
	return fmt.Sprintf("SELECT q.*, pg_catalog.count(*) OVER (PARTITION BY %s) OPERATOR(pg_catalog.>) 1::bigint AS %s FROM (\n%s\n) AS q",
		IdentList("q.", v.Key), sql.Ident(Unused(names(columns), "redcache_repeats")), selectSQL)
}

func ColumnDefinitions(v catalog.View, columns []Column) string {
	inKey := make(map[string]bool, len(v.Key))
	for _, name := range v.Key {
		inKey[name] = true
	}
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = sql.Ident(c.Name) + " " + c.Type
		if inKey[c.Name] {
			list[i] += " NOT NULL"
		}
	}
	return strings.Join(list, ", ")
}

// IndexSteps make the indexes of a generation that has been filled.
func IndexSteps(v catalog.View, generation int32) []plan.Step {
	relation := v.RelationSQL(generation)
	var steps []plan.Step
	if len(v.Key) > 0 {
		steps = append(steps, plan.Step{Title: "create key index", SQL: fmt.Sprintf("CREATE UNIQUE INDEX %s ON %s (%s)",
			sql.Ident(v.Relation(generation)+"_key"), relation, IdentList("", v.Key))})
	}
	if len(v.Key) > 0 && v.Materialized() {
		// A materialized view cannot have NOT NULL columns. This index is empty as long as the key holds, and tells
		// in no time whether it does.
		steps = append(steps, plan.Step{Title: "create null key index", SQL: fmt.Sprintf("CREATE INDEX %s ON %s ((1)) WHERE %s",
			sql.Ident(v.Relation(generation)+"_null_key"), relation, NullKey(v.Key))})
	}
	if len(v.Key) > 0 && !v.Materialized() {
		key := v.Relation(generation) + "_key"
		steps = append(steps, IdentityStep(relation, &key)) // cheaper than all that a row holds
	}
	if v.Watermark != "" {
		steps = append(steps, plan.Step{Title: "create watermark index", SQL: fmt.Sprintf("CREATE INDEX %s ON %s (%s)",
			sql.Ident(v.Relation(generation)+"_watermark"), relation, sql.Ident(v.Watermark))})
	}
	for _, index := range v.Indexes {
		text := "(" + index + ")"
		if strings.HasPrefix(strings.ToLower(strings.TrimSpace(index)), "using ") {
			text = index
		}
		steps = append(steps, plan.Step{Title: "create index " + index, SQL: fmt.Sprintf("CREATE INDEX ON %s %s", relation, text)})
	}
	return steps
}

// NullKey is true for a row that no key identifies.
func NullKey(key []string) string {
	terms := make([]string, len(key))
	for i, name := range key {
		terms[i] = sql.Ident(name) + " IS NULL"
	}
	return strings.Join(terms, " OR ")
}

// AnalyzeStep has the planner know the rows of a generation; fresh is one that nobody sees yet.
func AnalyzeStep(v catalog.View, generation int32, fresh bool) plan.Step {
	step := plan.Step{Title: "analyze generation", SQL: "ANALYZE " + v.RelationSQL(generation), Live: true}
	if !fresh {
		step.Lock = plan.ShareUpdateExclusive
	}
	return step
}

// IdentityStep has replicas of a table know its rows by an index, or by all that they hold.
func IdentityStep(table string, index *string) plan.Step {
	how := "FULL"
	if index != nil {
		how = "USING INDEX " + sql.Ident(*index)
	}
	return plan.Step{Title: "set replica identity", SQL: "ALTER TABLE " + table + " REPLICA IDENTITY " + how}
}

// IdentList quotes names and joins them, each behind a prefix such as "excluded.".
func IdentList(prefix string, names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = prefix + sql.Ident(name)
	}
	return strings.Join(quoted, ", ")
}

// Unused makes a name that none of the names is.
func Unused(names []string, name string) string {
	for slices.Contains(names, name) {
		name += "_"
	}
	return name
}

func names(columns []Column) []string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.Name
	}
	return list
}
