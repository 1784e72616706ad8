package apply

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
	"github.com/redcache/redcache/sql"
)

// Difference writes what differs between a table that has all that was read and the generation into the latter, by its key,
// and adds to an outcome which says how many rows were read.
func (t Target) Difference(ctx context.Context, tx pgx.Tx, from string, o *catalog.Outcome) error {
	t.Doing(Writing)
	if err := relation.MoreMemory(ctx, tx, "work_mem"); err != nil {
		return err
	}
	var before int64
	if err := oneRow(ctx, tx, t.differenceStep(from), &before, &o.RowsInserted, &o.RowsUpdated, &o.RowsDeleted); err != nil {
		return err
	}
	o.RowCount = before + o.RowsInserted - o.RowsDeleted
	if o.RowCount == o.RowsRead {
		return nil
	}
	// Every row that was read has met its like or was inserted. More rows read than there are now means that several
	// have met the same one.
	return t.repeatedKeys(ctx, tx, from)
}

// differenceStep is one comparison of two tables, and one statement that writes the difference. It returns how many rows the
// generation had, and how many were inserted, updated and deleted.
func (t Target) differenceStep(from string) plan.Step {
	var match, same, sets, fetch []string
	for _, c := range t.columns() {
		name := sql.Ident(c.Name)
		fetch = append(fetch, "s."+name)
		if slices.Contains(t.View.Key, c.Name) {
			match = append(match, fmt.Sprintf("s.%[1]s = t.%[1]s", name))
			if c.Type.Image == "" {
				continue
			}
		}
		same = append(same, differs(c, "s."+name, "t."+name))
		sets = append(sets, fmt.Sprintf("%[1]s = d.%[1]s", name))
	}
	one, old := sql.Ident(t.View.Key[0]), sql.Ident(relation.Unused(t.names(), "redcache_old"))
	update := "SELECT 1 WHERE false" // nothing but a key: rows come and go, and never change
	if len(sets) > 0 {
		update = fmt.Sprintf("UPDATE %s t SET %s FROM diff d WHERE t.ctid = d.%s AND d.%s IS NOT NULL RETURNING 1",
			t.Relation, strings.Join(sets, ", "), old, one)
	}
	list := relation.IdentList("", t.names())
	return t.writes(plan.Step{Title: "merge rows", SQL: fmt.Sprintf(`WITH diff AS MATERIALIZED (
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
		strings.Join(fetch, ", "), from, t.Relation, strings.Join(match, " AND "), one, prefixed(" OR ", same), update, list, old)})
}

// differs compares what is stored, not what is equal: 1.0 and 1.00, or '1 day' and '24 hours', do differ. For most types
// the two are the same, and the plain comparison is the cheaper one.
func differs(c redshift.Column, a, b string) string {
	if c.Type.Image != "" {
		a, b = strings.ReplaceAll(c.Type.Image, "%s", a), strings.ReplaceAll(c.Type.Image, "%s", b)
	}
	return fmt.Sprintf("%s IS DISTINCT FROM %s", a, b)
}

// repeatedKeys finds out whether the source's key repeats, from what was read.
func (t Target) repeatedKeys(ctx context.Context, tx pgx.Tx, from string) error {
	key := relation.IdentList("", t.View.Key)
	rows, err := tx.Query(ctx, fmt.Sprintf(
		"SELECT pg_catalog.concat_ws(', ', %s), count(*) FROM %s GROUP BY %s HAVING count(*) > 1 LIMIT 3",
		key, from, key))
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
		examples = append(examples, fmt.Sprintf("%s = %s (%d rows)", strings.Join(t.View.Key, ", "), value, n))
	}
	if err := rows.Err(); err != nil {
		return wrap(err, "look for repeated keys")
	}
	if examples == nil {
		return infra.Hinted(fmt.Errorf("merge rows: the copy of view %s is not what was read, and no key repeats", t.View.Name),
			"Look at what others have put on "+t.Relation+": a trigger or a policy that keeps rows away, or changes them.")
	}
	return infra.Hinted(&RowsError{
		Problem: fmt.Sprintf("its key %s repeats", strings.Join(t.View.Key, ", ")), Examples: examples,
	}, RepeatedKeyHint)
}

// prefixed puts a separator before each text.
func prefixed(separator string, texts []string) string {
	if len(texts) == 0 {
		return ""
	}
	return separator + strings.Join(texts, separator)
}
