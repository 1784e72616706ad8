package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// column is one of the source's columns: about 100 bytes a row, of the types that facts and orders are made of.
type column struct{ name, sqlType, value string }

var columns = []column{
	{"id", "bigint", "i"},
	{"customer_id", "integer", "(i * 7919 % 100003)::integer"},
	{"quantity", "integer", "(i % 50)::integer"},
	{"amount", "numeric(18,4)", "(i * 31 % 1000003)::numeric / 100"},
	{"note", "varchar(64)", "'order ' || md5(i::text)"},
	{"active", "boolean", "i % 3 = 0"},
	{"score", "double precision", "(i * 104729 % 1000003) / 1000.0"},
	{"created_at", "timestamp", "timestamp '2018-01-01' + i * interval '1 second'"},
	{"updated_at", "timestamp", "timestamp '2018-01-01' + i * interval '1 second'"},
}

// columnList joins what f makes of each column.
func columnList(f func(column) string) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = f(c)
	}
	return strings.Join(parts, ", ")
}

func names() string { return columnList(func(c column) string { return c.name }) }

func namesAndTypes() string {
	return columnList(func(c column) string { return c.name + " " + c.sqlType })
}

// table is one of the source's tables. Its rows are numbered from 1.
type table struct {
	name    string
	rows    int
	version int    // moved on by each change
	sum     string // of the rows of this version; empty until asked for
}

// load makes the table. The index on updated_at stands for Redshift's sort key, by which it skips blocks; the one on id
// is what a user of a plain source would have.
func (t *table) load(ctx context.Context, source *pgxpool.Pool) error {
	values := columnList(func(c column) string { return c.value })
	err := execAll(ctx, source,
		"CREATE TABLE "+t.name+" ("+namesAndTypes()+")",
		fmt.Sprintf("INSERT INTO %s SELECT %s FROM generate_series(1::bigint, %d) i", t.name, values, t.rows),
		"CREATE UNIQUE INDEX by_id_"+strings.TrimPrefix(t.name, "public.")+" ON "+t.name+" (id)",
		"CREATE INDEX ON "+t.name+" (updated_at)")
	if err != nil {
		return err
	}
	return t.settle(ctx, source)
}

// settle puts the rows in the order of their keys, without a gap, so that each read costs the same. It is the order that
// suits every path best, and a concurrent refresh in particular: it sorts whole rows, and finds them sorted.
func (t *table) settle(ctx context.Context, source *pgxpool.Pool) error {
	return execAll(ctx, source,
		"CLUSTER "+t.name+" USING by_id_"+strings.TrimPrefix(t.name, "public."), "VACUUM (ANALYZE) "+t.name)
}

// change updates n rows, a range of keys that moves on from change to change, or rows spread evenly over the table. The
// rows of a change are as if written over one day, and each change has a day of its own: far enough in the past that
// no clock gets into the way.
func (t *table) change(ctx context.Context, source *pgxpool.Pool, n int, scatter bool) error {
	t.version++
	t.sum = ""
	step, first := 1, (t.version-1)*n%t.rows+1
	if scatter {
		step = t.rows / n
		first = t.version%step + 1
	}
	last := min(first+(n-1)*step, t.rows)
	update := fmt.Sprintf(`
		UPDATE %[1]s SET amount = amount + 1,
		       updated_at = timestamp '2020-01-01' + interval '1 day' * (%[2]d + (id - %[3]d)::float8 / %[4]d)
		WHERE id BETWEEN %[3]d AND %[5]d AND (id - %[3]d) %% %[6]d = 0`, t.name, t.version, first, n*step, last, step)
	if _, err := source.Exec(ctx, update); err != nil {
		return fmt.Errorf("change %s: %w", t.name, err)
	}
	return t.settle(ctx, source)
}

// checksum counts rows and adds their hashes up, whatever their order.
func checksum(ctx context.Context, pool *pgxpool.Pool, relation string) (sum string, err error) {
	err = pool.QueryRow(ctx, fmt.Sprintf(
		"SELECT count(*) || ' rows, ' || coalesce(sum(hash_record_extended(ROW(%s), 0)), 0) FROM %s",
		names(), relation)).Scan(&sum)
	if err != nil {
		return "", fmt.Errorf("sum %s up: %w", relation, err)
	}
	return sum, nil
}

// verify compares a copy with the table.
func (t *table) verify(ctx context.Context, source, cache *pgxpool.Pool, relation string) (err error) {
	if t.sum == "" {
		if t.sum, err = checksum(ctx, source, t.name); err != nil {
			return err
		}
	}
	got, err := checksum(ctx, cache, relation)
	if err == nil && got != t.sum {
		err = fmt.Errorf("%s is no copy of %s: has %s, want %s", relation, t.name, got, t.sum)
	}
	return err
}
