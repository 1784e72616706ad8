package apply

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// stretch is what lies past the watermark of a target.
type stretch struct {
	Target
	bounds
	condition string // on the remote side
}

// writeStep is the writing statement around fetch. It returns one row: rows read, rows left after duplicates were
// settled, inserted, updated, deleted, the highest watermark read, and how many rows have no watermark any more and were
// left for undatedStep.
func (s stretch) writeStep(fetch string) plan.Step {
	var b strings.Builder
	fmt.Fprintf(&b, "WITH fetched AS MATERIALIZED (\n%s\n)", fetch)
	settled := "fetched"
	if len(s.View.Key) > 0 {
		settled = "settled"
		fmt.Fprintf(&b, ", settled AS MATERIALIZED (\n%s\n)", s.settleSQL())
		if kept := s.keptSQL(settled); kept != "" {
			settled = "kept"
			fmt.Fprintf(&b, ", kept AS MATERIALIZED (\n%s\n)", kept)
		}
	}
	fmt.Fprintf(&b, ", gone AS (\n%s\n)", s.deleteSQL())
	fmt.Fprintf(&b, ", changed AS (\n%s\n)", s.updateSQL(settled, s.newerSQL()))
	fmt.Fprintf(&b, ", added AS (\n%s\n)\n", s.insertSQL(settled))
	fmt.Fprintf(&b, `SELECT (SELECT count(*) FROM fetched), (SELECT count(*) FROM %s),
       (SELECT count(*) FROM added), (SELECT count(*) FROM changed), (SELECT count(*) FROM gone), %s, %s`,
		settled, s.watermarkSQL(), s.countUndatedSQL())
	return s.writes(plan.Step{Title: "load rows", SQL: b.String()})
}

// countUndatedSQL counts the rows that were read without a watermark where the copy has one.
func (s stretch) countUndatedSQL() string {
	if len(s.View.Key) == 0 || s.low == nil {
		return "0"
	}
	return fmt.Sprintf("(SELECT count(*) FROM settled s JOIN %s c ON %s WHERE s.%[3]s IS NULL AND c.%[3]s IS NOT NULL)",
		s.Relation, s.sameKey(), sql.Ident(s.View.Watermark))
}

// undatedStep is the statement that writes what fetch brings: all rows of each key that has one without a watermark.
// It returns how many were read, and how many of the copy were changed.
func (s stretch) undatedStep(fetch string) plan.Step {
	text := fmt.Sprintf("WITH fetched AS MATERIALIZED (\n%s\n), settled AS MATERIALIZED (\n%s\n), changed AS (\n%s\n)\n"+
		"SELECT (SELECT count(*) FROM fetched), (SELECT count(*) FROM changed)",
		fetch, s.settleSQL(), s.updateSQL("settled", ""))
	return s.writes(plan.Step{Title: "load rows without a watermark", SQL: text})
}

// settleSQL keeps one row of each key: the one with the latest watermark. The other columns decide between equal
// watermarks, so that two runs over the same rows never disagree. Rows that are too young are left out, even where they
// were read so that their keys are known.
func (s stretch) settleSQL() string {
	watermark := s.View.Watermark
	order := relation.IdentList("f.", s.View.Key) + ", f." + sql.Ident(watermark) + " DESC NULLS LAST"
	for _, name := range s.names() {
		if name != watermark && !slices.Contains(s.View.Key, name) {
			order += ", f." + sql.Ident(name) + " DESC"
		}
	}
	old := ""
	if s.high != nil {
		old = fmt.Sprintf(" WHERE f.%[1]s IS NULL OR f.%[1]s <= %s::%s", sql.Ident(watermark), sql.Literal(*s.high), s.typ)
	}
	return fmt.Sprintf("SELECT DISTINCT ON (%s) f.* FROM fetched f%s ORDER BY %s", relation.IdentList("f.", s.View.Key), old, order)
}

// keptSQL adds to a new generation what the copy has of rows that were changed too lately: as if it had been read into the
// old one. Nothing when there is no such row, or no old generation of the same rows.
func (s stretch) keptSQL(settled string) string {
	if s.high == nil || s.Previous == "" {
		return ""
	}
	columns, key := relation.IdentList("", s.names()), relation.IdentList("c.", s.View.Key)
	return fmt.Sprintf(`SELECT %[1]s FROM %[2]s
UNION ALL
(SELECT DISTINCT ON (%[3]s) %[4]s FROM %[5]s c
 WHERE EXISTS (SELECT FROM fetched s WHERE %[6]s) AND NOT EXISTS (SELECT FROM %[2]s s WHERE %[6]s)
 ORDER BY %[3]s)`, columns, settled, key, relation.IdentList("c.", s.names()), s.Previous, s.sameKey())
}

// deleteSQL removes cached rows that the read proves to be gone. With a key that takes a read of everything; without
// one, the rows of the range are replaced as a whole.
func (s stretch) deleteSQL() string {
	condition := s.local(s.View)
	if len(s.View.Key) > 0 {
		condition = "false"
		if s.low == nil {
			condition = fmt.Sprintf("NOT EXISTS (SELECT FROM fetched s WHERE %s)", s.sameKey())
		}
	}
	return fmt.Sprintf("DELETE FROM %s c WHERE %s RETURNING 1", s.Relation, condition)
}

// sameKey matches a cached row, c, with one that was read, s.
func (s stretch) sameKey() string {
	same := make([]string, len(s.View.Key))
	for i, name := range s.View.Key {
		same[i] = fmt.Sprintf("s.%[1]s = c.%[1]s", sql.Ident(name))
	}
	return strings.Join(same, " AND ")
}

// newerSQL is true where a row that was read, s, counts for more than the cached one, c, of its key. A duplicate that was
// settled against in an earlier read must not come back in a later one. But a row from within the bounds would have been
// read again if it were still there, and then have won; what was read instead is later than all that lies below. Only a
// row without a watermark proves nothing about those.
func (s stretch) newerSQL() string {
	if s.low == nil {
		return ""
	}
	return fmt.Sprintf("c.%[1]s IS NULL OR s.%[1]s >= c.%[1]s OR s.%[1]s IS NOT NULL AND %[2]s",
		sql.Ident(s.View.Watermark), s.localTerms(s.View))
}

// updateSQL writes the rows that differ, where a condition on them holds. INSERT … ON CONFLICT would do this and the
// insert in one, but locks each row first, and logs that; nobody else writes here.
func (s stretch) updateSQL(from, where string) string {
	var sets, same []string
	for _, c := range s.columns() {
		name := sql.Ident(c.Name)
		if slices.Contains(s.View.Key, c.Name) && c.Type.Image == "" {
			continue
		}
		sets = append(sets, fmt.Sprintf("%[1]s = s.%[1]s", name))
		same = append(same, differs(c, "s."+name, "c."+name))
	}
	if len(s.View.Key) == 0 || s.Fresh || sets == nil {
		return "SELECT 1 WHERE false"
	}
	condition := s.sameKey() + " AND (" + strings.Join(same, " OR ") + ")"
	if where != "" {
		condition += " AND (" + where + ")"
	}
	return fmt.Sprintf("UPDATE %s c SET %s FROM %s s WHERE %s RETURNING 1",
		s.Relation, strings.Join(sets, ", "), from, condition)
}

// insertSQL writes the rows that are new.
func (s stretch) insertSQL(from string) string {
	columns := relation.IdentList("", s.names())
	insert := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s s", s.Relation, columns, columns, from)
	if len(s.View.Key) > 0 && !s.Fresh {
		insert += fmt.Sprintf(" WHERE NOT EXISTS (SELECT FROM %s c WHERE %s)", s.Relation, s.sameKey())
	}
	return insert + " RETURNING 1"
}

// watermarkSQL is the highest watermark read that the ceiling allows, and never less than the one before.
func (s stretch) watermarkSQL() string {
	column, typ := "f."+sql.Ident(s.View.Watermark), s.View.WatermarkType().Local
	allowed := ""
	if most := cmp.Or(s.high, s.ceiling); most != nil {
		allowed = fmt.Sprintf(" WHERE %s <= %s::%s", column, sql.Literal(*most), typ)
	}
	highest := fmt.Sprintf("(SELECT max(%s) FROM fetched f%s)", column, allowed)
	if s.low != nil && s.Target.Watermark != nil {
		highest = fmt.Sprintf("greatest(%s, %s::%s)", highest, sql.Literal(*s.Target.Watermark), typ)
	}
	return highest + "::text"
}
