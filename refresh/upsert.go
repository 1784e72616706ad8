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
	fmt.Fprintf(&b0, ", written AS (\n%s\n)\n", w.insertSQL(settled, b))
	fmt.Fprintf(&b0, `SELECT (SELECT count(*) FROM fetched), (SELECT count(*) FROM %s),
       (SELECT count(*) FROM written WHERE inserted), (SELECT count(*) FROM written WHERE NOT inserted),
       (SELECT count(*) FROM gone), %s`, settled, w.watermarkSQL(b))
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
			same := make([]string, len(w.view.Key))
			for i, name := range w.view.Key {
				same[i] = fmt.Sprintf("s.%[1]s = c.%[1]s", dblink.Ident(name))
			}
			condition = fmt.Sprintf("NOT EXISTS (SELECT FROM settled s WHERE %s)", strings.Join(same, " AND "))
		}
	}
	return fmt.Sprintf("DELETE FROM %s c WHERE %s RETURNING 1", w.relation(), condition)
}

// insertSQL writes the rows that are new or differ.
func (w *work) insertSQL(from string, b bounds) string {
	columns := identList("", w.names())
	insert := fmt.Sprintf("INSERT INTO %s AS c (%s) SELECT %s FROM %s", w.relation(), columns, columns, from)
	if len(w.view.Key) == 0 || w.fresh {
		return insert + " RETURNING true AS inserted"
	}
	conflict := fmt.Sprintf("%s ON CONFLICT (%s) DO ", insert, identList("", w.view.Key))
	rest := slices.DeleteFunc(w.names(), func(name string) bool { return slices.Contains(w.view.Key, name) })
	if len(rest) == 0 {
		return conflict + "NOTHING RETURNING true AS inserted"
	}
	sets := make([]string, len(rest))
	for i, name := range rest {
		sets[i] = fmt.Sprintf("%[1]s = excluded.%[1]s", dblink.Ident(name))
	}
	// *<> compares what is stored, not what is equal: 1.0 and 1.00, or '1 day' and '24 hours', do differ.
	// Without the casts, the operator would be looked for column by column.
	differs := fmt.Sprintf("ROW(%s)::record OPERATOR(pg_catalog.*<>) ROW(%s)::record",
		identList("c.", rest), identList("excluded.", rest))
	if b.low != nil {
		// A duplicate that was settled against in an earlier read must not come back in a later one.
		differs += fmt.Sprintf(" AND (c.%[1]s IS NULL OR excluded.%[1]s >= c.%[1]s)", dblink.Ident(w.view.Watermark))
	}
	return fmt.Sprintf("%sUPDATE SET %s WHERE %s RETURNING c.xmax = 0 AS inserted", conflict, strings.Join(sets, ", "), differs)
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
