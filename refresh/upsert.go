package refresh

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// writeSQL builds the writing statement around fetch. It returns one row: rows read, rows left after duplicates were
// settled, inserted, updated, deleted, the highest watermark read, and how many rows have no watermark any more and were
// left for undatedSQL.
func (w *work) writeSQL(fetch string, b bounds) string {
	var b0 strings.Builder
	fmt.Fprintf(&b0, "WITH fetched AS MATERIALIZED (\n%s\n)", fetch)
	settled := "fetched"
	if len(w.view.Key) > 0 {
		settled = "settled"
		fmt.Fprintf(&b0, ", settled AS MATERIALIZED (\n%s\n)", w.settleSQL(b))
		if kept := w.keptSQL(b, settled); kept != "" {
			settled = "kept"
			fmt.Fprintf(&b0, ", kept AS MATERIALIZED (\n%s\n)", kept)
		}
	}
	fmt.Fprintf(&b0, ", gone AS (\n%s\n)", w.deleteSQL(b))
	fmt.Fprintf(&b0, ", changed AS (\n%s\n)", w.updateSQL(settled, w.newerSQL(b)))
	fmt.Fprintf(&b0, ", added AS (\n%s\n)\n", w.insertSQL(settled))
	fmt.Fprintf(&b0, `SELECT (SELECT count(*) FROM fetched), (SELECT count(*) FROM %s),
       (SELECT count(*) FROM added), (SELECT count(*) FROM changed), (SELECT count(*) FROM gone), %s, %s`,
		settled, w.watermarkSQL(b), w.countUndatedSQL(b))
	return b0.String()
}

// countUndatedSQL counts the rows that were read without a watermark where the copy has one.
func (w *work) countUndatedSQL(b bounds) string {
	if len(w.view.Key) == 0 || b.low == nil {
		return "0"
	}
	return fmt.Sprintf("(SELECT count(*) FROM settled s JOIN %s c ON %s WHERE s.%[3]s IS NULL AND c.%[3]s IS NOT NULL)",
		w.relation(), w.sameKey(), sql.Ident(w.view.Watermark))
}

// undatedSQL builds the statement that writes what fetch brings: all rows of each key that has one without a watermark.
// It returns how many were read, and how many of the copy were changed.
func (w *work) undatedSQL(fetch string, b bounds) string {
	return fmt.Sprintf("WITH fetched AS MATERIALIZED (\n%s\n), settled AS MATERIALIZED (\n%s\n), changed AS (\n%s\n)\n"+
		"SELECT (SELECT count(*) FROM fetched), (SELECT count(*) FROM changed)",
		fetch, w.settleSQL(b), w.updateSQL("settled", ""))
}

// settleSQL keeps one row of each key: the one with the latest watermark. The other columns decide between equal
// watermarks, so that two runs over the same rows never disagree. Rows that are too young are left out, even where they
// were read so that their keys are known.
func (w *work) settleSQL(b bounds) string {
	watermark := w.view.Watermark
	order := relation.IdentList("f.", w.view.Key) + ", f." + sql.Ident(watermark) + " DESC NULLS LAST"
	for _, name := range w.names() {
		if name != watermark && !slices.Contains(w.view.Key, name) {
			order += ", f." + sql.Ident(name) + " DESC"
		}
	}
	old := ""
	if b.high != nil {
		old = fmt.Sprintf(" WHERE f.%[1]s IS NULL OR f.%[1]s <= %s::%s", sql.Ident(watermark), sql.Literal(*b.high), b.typ)
	}
	return fmt.Sprintf("SELECT DISTINCT ON (%s) f.* FROM fetched f%s ORDER BY %s", relation.IdentList("f.", w.view.Key), old, order)
}

// keptSQL adds to a new generation what the copy has of rows that were changed too lately: as if it had been read into the
// old one. Nothing when there is no such row, or no old generation of the same rows.
func (w *work) keptSQL(b bounds, settled string) string {
	before := w.previous()
	if b.high == nil || before == "" {
		return ""
	}
	columns, key := relation.IdentList("", w.names()), relation.IdentList("c.", w.view.Key)
	return fmt.Sprintf(`SELECT %[1]s FROM %[2]s
UNION ALL
(SELECT DISTINCT ON (%[3]s) %[4]s FROM %[5]s c
 WHERE EXISTS (SELECT FROM fetched s WHERE %[6]s) AND NOT EXISTS (SELECT FROM %[2]s s WHERE %[6]s)
 ORDER BY %[3]s)`, columns, settled, key, relation.IdentList("c.", w.names()), before, w.sameKey())
}

// previous is the generation that runs have written to, where the work builds another of the same query and columns.
func (w *work) previous() string {
	r := w.condition.Relation(w.state.Loaded)
	if !w.fresh || r == nil || relation.Worn(w.view, r.Number, r) != "" || r.Forced || r.Number < w.view.QueryGeneration {
		return ""
	}
	for _, c := range w.columns {
		if i := slices.Index(r.Columns, c.Name); i < 0 || r.Types[i] != c.Type.Local {
			return ""
		}
	}
	return w.view.RelationSQL(r.Number)
}

// deleteSQL removes cached rows that the read proves to be gone. With a key that takes a read of everything; without
// one, the rows of the range are replaced as a whole.
func (w *work) deleteSQL(b bounds) string {
	condition := localRange(w.view, b)
	if len(w.view.Key) > 0 {
		condition = "false"
		if b.low == nil {
			condition = fmt.Sprintf("NOT EXISTS (SELECT FROM fetched s WHERE %s)", w.sameKey())
		}
	}
	return fmt.Sprintf("DELETE FROM %s c WHERE %s RETURNING 1", w.relation(), condition)
}

// sameKey matches a cached row, c, with one that was read, s.
func (w *work) sameKey() string {
	same := make([]string, len(w.view.Key))
	for i, name := range w.view.Key {
		same[i] = fmt.Sprintf("s.%[1]s = c.%[1]s", sql.Ident(name))
	}
	return strings.Join(same, " AND ")
}

// newerSQL is true where a row that was read, s, counts for more than the cached one, c, of its key. A duplicate that was
// settled against in an earlier read must not come back in a later one. But a row from within the bounds would have been
// read again if it were still there, and then have won; what was read instead is later than all that lies below. Only a
// row without a watermark proves nothing about those.
func (w *work) newerSQL(b bounds) string {
	if b.low == nil {
		return ""
	}
	return fmt.Sprintf("c.%[1]s IS NULL OR s.%[1]s >= c.%[1]s OR s.%[1]s IS NOT NULL AND %[2]s",
		sql.Ident(w.view.Watermark), b.localTerms(w.view))
}

// updateSQL writes the rows that differ, where a condition on them holds. INSERT … ON CONFLICT would do this and the
// insert in one, but locks each row first, and logs that; nobody else writes here.
func (w *work) updateSQL(from, where string) string {
	var sets, same []string
	for _, c := range w.columns {
		name := sql.Ident(c.Name)
		if slices.Contains(w.view.Key, c.Name) && c.Type.Image == "" {
			continue
		}
		sets = append(sets, fmt.Sprintf("%[1]s = s.%[1]s", name))
		same = append(same, differs(c, "s."+name, "c."+name))
	}
	if len(w.view.Key) == 0 || w.fresh || sets == nil {
		return "SELECT 1 WHERE false"
	}
	condition := w.sameKey() + " AND (" + strings.Join(same, " OR ") + ")"
	if where != "" {
		condition += " AND (" + where + ")"
	}
	return fmt.Sprintf("UPDATE %s c SET %s FROM %s s WHERE %s RETURNING 1",
		w.relation(), strings.Join(sets, ", "), from, condition)
}

// insertSQL writes the rows that are new.
func (w *work) insertSQL(from string) string {
	columns := relation.IdentList("", w.names())
	insert := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s s", w.relation(), columns, columns, from)
	if len(w.view.Key) > 0 && !w.fresh {
		insert += fmt.Sprintf(" WHERE NOT EXISTS (SELECT FROM %s c WHERE %s)", w.relation(), w.sameKey())
	}
	return insert + " RETURNING 1"
}

// watermarkSQL is the highest watermark read that the ceiling allows, and never less than the one before.
func (w *work) watermarkSQL(b bounds) string {
	column, typ := "f."+sql.Ident(w.view.Watermark), w.view.WatermarkType()
	allowed := ""
	if most := cmp.Or(b.high, b.ceiling); most != nil {
		allowed = fmt.Sprintf(" WHERE %s <= %s::%s", column, sql.Literal(*most), typ)
	}
	highest := fmt.Sprintf("(SELECT max(%s) FROM fetched f%s)", column, allowed)
	if b.low != nil && w.state.Watermark != nil {
		highest = fmt.Sprintf("greatest(%s, %s::%s)", highest, sql.Literal(*w.state.Watermark), typ)
	}
	return highest + "::text"
}
