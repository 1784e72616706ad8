package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"crypto/md5" //nolint:gosec // to tell rows apart, as PostgreSQL can

	"github.com/jackc/pgx/v5/pgxpool"
)

// row is one row of the source as its copy has it, or of a copy.
type row struct {
	text string // of all columns, as PostgreSQL writes a record
	id   *string
	code *string
	part *string
	// The watermarks in whole units: microseconds, hundredths. What has no end is the highest or the lowest number.
	at, num, seq *int64
	// alts are rows that may stand here as well: duplicates of a key whose watermarks are equal.
	alts []string
}

// readRows reads a relation, or a query in parentheses, that has the columns that all queries of the soak have.
func readRows(ctx context.Context, db *pgxpool.Pool, from string) ([]row, error) {
	found, err := db.Query(ctx, `SELECT v::text, v.id::text, v.code::text, CASE v.part WHEN 0 THEN '0' ELSE v.part::text END,
		CASE v.at WHEN 'infinity' THEN 9223372036854775807 WHEN '-infinity' THEN -9223372036854775808
		ELSE (extract(epoch FROM v.at) * 1000000)::bigint END,
		(v.num * 100)::bigint, CASE v.seq WHEN 'NaN' THEN 9223372036854775807 ELSE (v.seq * 100)::bigint END FROM `+from+` v`)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", from, err)
	}
	defer found.Close()
	var rows []row
	for found.Next() {
		var r row
		if err := found.Scan(&r.text, &r.id, &r.code, &r.part, &r.at, &r.num, &r.seq); err != nil {
			return nil, fmt.Errorf("read %s: %w", from, err)
		}
		rows = append(rows, r)
	}
	if err := found.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", from, err)
	}
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.text, b.text) })
	return rows, nil
}

// key returns the values of the row's key columns as one text; null says that one of them is NULL.
func (r row) key(columns []string) (key string, null bool) {
	for _, column := range columns {
		value := r.id
		switch column {
		case "code":
			value = r.code
		case "part":
			value = r.part
		}
		if value == nil {
			return "", true
		}
		key += fmt.Sprintf("%q,", *value)
	}
	return key, false
}

// mark returns the value of a watermark column; nil is NULL.
func (r row) mark(column string) *int64 {
	switch column {
	case "at":
		return r.at
	case "num":
		return r.num
	}
	return r.seq
}

func texts(rows []row) []string {
	all := make([]string, len(rows))
	for n, r := range rows {
		all[n] = r.text
	}
	return all
}

// lookSQL is what readers compute of a relation: how many rows it has, and a sum that any difference of a row changes.
const lookSQL = `SELECT count(*) || ':' || coalesce(sum(('x' || substr(md5(v::text), 1, 15))::bit(60)::bigint), 0) FROM %s v`

// digest is what a reader of these rows gets from [lookSQL].
func digest(rows []row) string {
	sum := new(big.Int)
	for _, r := range rows {
		hash := md5.Sum([]byte(r.text)) //nolint:gosec // as above
		sum.Add(sum, new(big.Int).SetUint64(binary.BigEndian.Uint64(hash[:8])>>4))
	}
	return fmt.Sprintf("%d:%s", len(rows), sum)
}

// difference holds a relation against rows by EXCEPT ALL both ways.
func difference(ctx context.Context, db *pgxpool.Pool, from string, want []row) ([]string, error) {
	found, err := db.Query(ctx, `
		SELECT '- source: ' || t FROM (SELECT unnest($1::text[]) AS t EXCEPT ALL SELECT v::text FROM `+from+` v) s
		UNION ALL
		SELECT '+ cache:  ' || t FROM (SELECT v::text AS t FROM `+from+` v EXCEPT ALL SELECT unnest($1::text[])) c
		ORDER BY 1`, texts(want))
	if err != nil {
		return nil, fmt.Errorf("compare %s: %w", from, err)
	}
	defer found.Close()
	var lines []string
	for found.Next() {
		var line string
		if err := found.Scan(&line); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, found.Err()
}
