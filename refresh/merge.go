package refresh

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// staging holds what was read, for as long as the transaction. It is the session's own: nobody waits for it, nothing of
// it is logged, and it goes with the transaction, however that ends.
const staging = `pg_temp."redcache_staging"`

// fillMerge reads everything beside the generation, and writes into it what differs. Readers never wait: the strongest
// lock is the one of an UPDATE.
func fillMerge(ctx context.Context, w *work) (catalog.Outcome, error) {
	got, err := w.stage(ctx, "")
	if err != nil {
		return catalog.Outcome{}, err
	}
	if err := w.checkShrink(got.Rows); err != nil {
		return catalog.Outcome{}, err
	}
	o := catalog.Outcome{AsOf: w.asOf, Whole: true, RowsRead: got.Rows, BytesRead: got.Bytes, RowCount: got.Rows}
	if err := relation.RunSteps(ctx, w.tx, []Step{{Title: "analyze staging table", SQL: "ANALYZE " + staging}}); err != nil {
		return catalog.Outcome{}, err
	}
	err = w.merge(ctx, staging, w.relation(), &o)
	return o, err
}

// stage reads the rows for which the condition holds into the staging table. A job may do so for several views, so
// what is there goes first.
func (w *work) stage(ctx context.Context, where string) (read.Loaded, error) {
	if err := relation.RunSteps(ctx, w.tx, stageSteps(w.view, w.columns)); err != nil {
		return read.Loaded{}, err
	}
	return w.read(ctx, where, staging)
}

func stageSteps(v catalog.View, columns []redshift.Column) []Step {
	return []Step{
		{Title: "drop staging table", SQL: "DROP TABLE IF EXISTS " + staging},
		{Title: "create staging table", SQL: fmt.Sprintf("CREATE TEMPORARY TABLE %s (%s) ON COMMIT DROP",
			strings.TrimPrefix(staging, "pg_temp."), relation.ColumnDefinitions(v, local(columns)))},
	}
}

// merge writes what differs between two tables of the view's columns into the second, and counts it.
func (w *work) merge(ctx context.Context, from, into string, o *catalog.Outcome) error {
	w.doing = writing
	if err := w.moreMemory(ctx, "work_mem"); err != nil {
		return err
	}
	var before int64
	err := w.tx.QueryRow(ctx, mergeSQL(w.view, w.columns, from, into)).Scan(
		&before, &o.RowsInserted, &o.RowsUpdated, &o.RowsDeleted)
	if err != nil {
		return wrap(err, "merge rows")
	}
	o.RowCount = before + o.RowsInserted - o.RowsDeleted
	if o.RowCount == o.RowsRead {
		return nil
	}
	// Every row that was read has met its like or was inserted. More rows read than there are now means that several
	// have met the same one.
	return w.repeatedKeys(ctx, from)
}

// mergeSQL is one comparison of two tables, and one statement that writes the difference. It returns how many rows the
// second one had, and how many were inserted, updated and deleted.
func mergeSQL(v catalog.View, columns []redshift.Column, from, into string) string {
	var match, same, sets, fetch []string
	for _, c := range columns {
		name := sql.Ident(c.Name)
		fetch = append(fetch, "s."+name)
		if slices.Contains(v.Key, c.Name) {
			match = append(match, fmt.Sprintf("s.%[1]s = t.%[1]s", name))
			if c.Type.Image == "" {
				continue
			}
		}
		same = append(same, differs(c, "s."+name, "t."+name))
		sets = append(sets, fmt.Sprintf("%[1]s = d.%[1]s", name))
	}
	one, old := sql.Ident(v.Key[0]), sql.Ident(relation.Unused(names(columns), "redcache_old"))
	update := "SELECT 1 WHERE false" // nothing but a key: rows come and go, and never change
	if len(sets) > 0 {
		update = fmt.Sprintf("UPDATE %s t SET %s FROM diff d WHERE t.ctid = d.%s AND d.%s IS NOT NULL RETURNING 1",
			into, strings.Join(sets, ", "), old, one)
	}
	list := relation.IdentList("", names(columns))
	return fmt.Sprintf(`WITH diff AS MATERIALIZED (
    SELECT t.ctid AS %[9]s, %[1]s
    FROM %[2]s s
    FULL JOIN %[3]s t ON %[4]s
    WHERE s.%[5]s IS NULL OR t.%[5]s IS NULL%[6]s
), gone AS (
    DELETE FROM %[3]s t USING diff d WHERE t.ctid = d.%[9]s AND d.%[5]s IS NULL RETURNING 1
), changed AS (
    %[7]s
), added AS (
    INSERT INTO %[3]s (%[8]s) SELECT %[8]s FROM diff WHERE %[9]s IS NULL RETURNING 1
)
SELECT (SELECT count(*) FROM %[3]s), (SELECT count(*) FROM added), (SELECT count(*) FROM changed), (SELECT count(*) FROM gone)`,
		strings.Join(fetch, ", "), from, into, strings.Join(match, " AND "), one, prefixed(" OR ", same), update, list, old)
}

// differs compares what is stored, not what is equal: 1.0 and 1.00, or '1 day' and '24 hours', do differ. For most types
// the two are the same, and the plain comparison is the cheaper one.
func differs(c redshift.Column, a, b string) string {
	if c.Type.Image != "" {
		a, b = fmt.Sprintf("%s(%s)", c.Type.Image, a), fmt.Sprintf("%s(%s)", c.Type.Image, b)
	}
	return fmt.Sprintf("%s IS DISTINCT FROM %s", a, b)
}

// repeatedKeys finds out whether the source's key repeats, from what was read.
func (w *work) repeatedKeys(ctx context.Context, from string) error {
	key := relation.IdentList("", w.view.Key)
	rows, err := w.tx.Query(ctx, fmt.Sprintf(
		"SELECT pg_catalog.concat_ws(', ', %s), count(*) FROM %s GROUP BY %s HAVING count(*) > 1 LIMIT 3",
		relation.IdentList("", w.view.Key), from, key))
	if err != nil {
		return wrap(err, "look for repeated keys")
	}
	var examples []string
	for rows.Next() {
		var value string
		var n int64
		if err := rows.Scan(&value, &n); err != nil {
			break
		}
		examples = append(examples, fmt.Sprintf("%s = %s (%d rows)", strings.Join(w.view.Key, ", "), value, n))
	}
	if err := rows.Err(); err != nil {
		return wrap(err, "look for repeated keys")
	}
	if examples == nil {
		return infra.Hinted(fmt.Errorf("merge rows: the copy of view %s is not what was read, and no key repeats", w.view.Name),
			"Look at what others have put on "+w.relation()+": a trigger or a policy that keeps rows away, or changes them.")
	}
	return infra.Hinted(&rowsError{
		problem:  fmt.Sprintf("its key %s repeats", strings.Join(w.view.Key, ", ")),
		examples: examples,
	}, repeatedKeyHint)
}

// prefixed puts a separator before each text.
func prefixed(separator string, texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return separator + strings.Join(texts, separator)
}
