package refresh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/dblink"
)

// writeSQL builds the writing statement around fetch. It returns one row: rows read, rows left after duplicates were
// settled, inserted, updated, deleted, and the highest watermark read.
func (w *work) writeSQL(fetch string, b bounds) string {
	var b0 strings.Builder
	fmt.Fprintf(&b0, "WITH fetched AS MATERIALIZED (\n%s\n)", fetch)
	settled := "fetched"
	if len(w.view.Key) > 0 {
		settled = "settled"
		fmt.Fprintf(&b0, ", settled AS MATERIALIZED (\n%s\n)", w.settleSQL())
	}
	fmt.Fprintf(&b0, ", gone AS (\n%s\n)", w.deleteSQL(b))
	fmt.Fprintf(&b0, ", changed AS (\n%s\n)", w.updateSQL(settled, b))
	fmt.Fprintf(&b0, ", added AS (\n%s\n)\n", w.insertSQL(settled))
	fmt.Fprintf(&b0, `SELECT (SELECT count(*) FROM fetched), (SELECT count(*) FROM %s),
       (SELECT count(*) FROM added), (SELECT count(*) FROM changed), (SELECT count(*) FROM gone), %s`, settled, w.watermarkSQL(b))
	return b0.String()
}

// settleSQL keeps one row of each key: the one with the latest watermark. The other columns decide between equal
// watermarks, so that two runs over the same rows never disagree.
func (w *work) settleSQL() string {
	watermark := w.view.Watermark
	order := identList("f.", w.view.Key) + ", f." + dblink.Ident(watermark) + " DESC NULLS LAST"
	for _, name := range w.names() {
		if name != watermark && !slices.Contains(w.view.Key, name) {
			order += ", f." + dblink.Ident(name) + " DESC"
		}
	}
	return fmt.Sprintf("SELECT DISTINCT ON (%s) f.* FROM fetched f ORDER BY %s", identList("f.", w.view.Key), order)
}

// deleteSQL removes cached rows that the read proves to be gone. With a key that takes a read of everything; without
// one, the rows of the range are replaced as a whole.
func (w *work) deleteSQL(b bounds) string {
	condition := localRange(w.view, b)
	if len(w.view.Key) > 0 {
		condition = "false"
		if b.low == nil {
			condition = fmt.Sprintf("NOT EXISTS (SELECT FROM settled s WHERE %s)", w.sameKey())
		}
	}
	return fmt.Sprintf("DELETE FROM %s c WHERE %s RETURNING 1", w.relation(), condition)
}

// sameKey matches a cached row, c, with one that was read, s.
func (w *work) sameKey() string {
	same := make([]string, len(w.view.Key))
	for i, name := range w.view.Key {
		same[i] = fmt.Sprintf("s.%[1]s = c.%[1]s", dblink.Ident(name))
	}
	return strings.Join(same, " AND ")
}

// updateSQL writes the rows that differ. INSERT … ON CONFLICT would do this and the insert in one, but locks each row
// first, and logs that; nobody else writes here.
func (w *work) updateSQL(from string, b bounds) string {
	var sets, same []string
	for _, c := range w.columns {
		name := dblink.Ident(c.Name)
		if slices.Contains(w.view.Key, c.Name) && imageOf(c.Type.Local) == "" {
			continue
		}
		sets = append(sets, fmt.Sprintf("%[1]s = s.%[1]s", name))
		same = append(same, differs(c, "s."+name, "c."+name))
	}
	if len(w.view.Key) == 0 || w.fresh || sets == nil {
		return "SELECT 1 WHERE false"
	}
	condition := w.sameKey() + " AND (" + strings.Join(same, " OR ") + ")"
	if b.low != nil {
		// A duplicate that was settled against in an earlier read must not come back in a later one.
		condition += fmt.Sprintf(" AND (c.%[1]s IS NULL OR s.%[1]s >= c.%[1]s)", dblink.Ident(w.view.Watermark))
	}
	return fmt.Sprintf("UPDATE %s c SET %s FROM %s s WHERE %s RETURNING 1",
		w.relation(), strings.Join(sets, ", "), from, condition)
}

// insertSQL writes the rows that are new.
func (w *work) insertSQL(from string) string {
	columns := identList("", w.names())
	insert := fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM %s s", w.relation(), columns, columns, from)
	if len(w.view.Key) > 0 && !w.fresh {
		insert += fmt.Sprintf(" WHERE NOT EXISTS (SELECT FROM %s c WHERE %s)", w.relation(), w.sameKey())
	}
	return insert + " RETURNING 1"
}

// watermarkSQL is the highest watermark read that the ceiling allows, and never less than the one before.
func (w *work) watermarkSQL(b bounds) string {
	column, typ := "f."+dblink.Ident(w.view.Watermark), w.view.WatermarkType()
	allowed := ""
	if b.ceiling != nil {
		allowed = fmt.Sprintf(" WHERE %s <= %s::%s", column, dblink.Literal(*b.ceiling), typ)
	}
	highest := fmt.Sprintf("(SELECT max(%s) FROM fetched f%s)", column, allowed)
	if b.low != nil && w.state.Watermark != nil {
		highest = fmt.Sprintf("greatest(%s, %s::%s)", highest, dblink.Literal(*w.state.Watermark), typ)
	}
	return highest + "::text"
}
