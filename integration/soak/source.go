package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// sourceTable has a column for each kind of value that copies stumble over. U+F8FE is what the stand-in sends as a
// zero byte.
const sourceTable = `CREATE TABLE public.item (
	id integer, code varchar(20), part float8, at timestamp, num integer, seq numeric(12, 2),
	name varchar(60), fixed char(5), flag boolean, amount numeric(18, 4), loose numeric, single real, ratio float8,
	doc super, raw varbyte(64), day date, moment timestamptz, clock time)`

// column is a column of a query: what Redshift is asked for, and what its copy has.
type column struct{ name, remote, copied string }

func plain(name string) column { return column{name, name, name} }

func text(name string) column { return column{name, name, "replace(" + name + ", U&'\\F8FE', '')"} }

var allColumns = []column{
	plain("id"), text("code"), plain("part"), plain("at"), plain("num"), plain("seq"), text("name"),
	plain("fixed"), plain("flag"),
	plain("amount"), plain("loose"), plain("single"), plain("ratio"),
	{"doc", "doc", "doc::text::jsonb"},
	{"raw", "raw", "decode(raw::text, 'hex')"},
	plain("day"), plain("moment"), plain("clock"),
}

// query is one that views have: the remote text, and the same on the engine with the values that the copy has.
type query struct{ remote, copied string }

func queryOf(rest string, columns ...column) query {
	remote, copied := make([]string, len(columns)), make([]string, len(columns))
	for n, c := range columns {
		remote[n] = c.remote + " AS " + c.name
		copied[n] = c.copied + " AS " + c.name
	}
	text := func(list []string) string { return "SELECT " + strings.Join(list, ", ") + " FROM public.item" + rest }
	return query{text(remote), text(copied)}
}

// valueColumns are those that neither keys nor watermarks are made of, and one that is a watermark.
var valueColumns = allColumns[6:]

// queries are what the views of a history may be of. All have the columns that keys and watermarks are made of.
var queries = []query{
	queryOf("", allColumns...),
	queryOf("", allColumns[:7]...),
	queryOf(" WHERE flag IS NOT FALSE", allColumns...),
	queryOf(" WHERE id % 3 <> 0", append([]column{{"double", "amount * 2", "amount * 2"}}, allColumns...)...),
	queryOf("", append([]column{{"label", "'bare'", "'bare'::text"}, {"again", "name", "replace(name, U&'\\F8FE', '')"}}, allColumns[:10]...)...),
}

// version is the source as it was committed once.
type version struct {
	rows      [][]row   // what each of the queries returns
	committed time.Time // at the latest
}

// change is what a step does to the source, in one transaction.
type change struct {
	what       string
	statements []statement
}

type statement struct {
	sql  string
	args []any
}

// commit makes a change, and notes the version of the source that it makes. Beside a refresh, a TRUNCATE makes another
// version before: to a snapshot that is older, the engine shows an empty table.
func (h *history) commit(ctx context.Context, c change, beside bool) error {
	h.changed(c.what)
	err := pgx.BeginFunc(ctx, h.pair.engine, func(tx pgx.Tx) error {
		for _, s := range c.statements {
			if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
				return fmt.Errorf("source: %s: %w", s.sql, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if beside && c.truncates() {
		h.addVersion(version{rows: make([][]row, len(queries)), committed: time.Now()})
	}
	v := version{committed: time.Now()}
	for _, q := range queries {
		rows, err := readRows(ctx, h.pair.engine, "("+q.copied+")")
		if err != nil {
			return err
		}
		v.rows = append(v.rows, rows)
	}
	h.addVersion(v)
	return nil
}

func (h *history) addVersion(v version) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.versions = append(h.versions, v)
}

func (c change) truncates() bool {
	return slices.ContainsFunc(c.statements, func(s statement) bool { return strings.HasPrefix(s.sql, "TRUNCATE") })
}

func one[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// oddities are the values that a column may have, as text; "NULL" is none.
var oddities = map[string][]string{
	"name": {
		"NULL", "", " ", "x", "x ", "X", "é", "e\u0301", "\uF8FE", "a\uF8FEb", "\uF8FEtail ", `\N`, `"q" 'q' \ {}`, "☃🦊",
		"NULL ", "tab\tnl\n\r", strings.Repeat("ü", 40), "\u200b",
	},
	"fixed":  {"NULL", "", "ab", "ab   ", "é", "12345"},
	"flag":   {"NULL", "t", "f"},
	"amount": {"NULL", "0", "-0.0001", "1", "1.0", "99999999999999.9999", "-99999999999999.9999", "0.1"},
	"loose":  {"NULL", "0", "1", "1.0", "1.00", "-0.000", "NaN", "12345678901234567890.10", "100"},
	"single": {"NULL", "0", "-0", "NaN", "Infinity", "-Infinity", "1e-45", "3.4028235e38", "0.1", "16777217", "8.5899346e+09"},
	"ratio":  {"NULL", "0", "-0", "NaN", "Infinity", "-Infinity", "5e-324", "1.7976931348623157e308", "0.1", "0.30000000000000004"},
	"doc":    {"NULL", "null", `"TV"`, "[]", `{"a":1}`, `{"a":1.0}`, `{"b":1,"a":2}`, `{"a": [1, 2.50, "ü🚀"], "b": null}`, `""`, "1e5"},
	"raw":    {"NULL", "", "00", "00ff", "DEADBEEF"},
	"day":    {"NULL", "4713-01-01 BC", "294276-12-31", "infinity", "-infinity", "0001-01-01", "1999-12-31", "2024-02-29"},
	"moment": {
		"NULL", "infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "2024-07-01 12:00:00.25+02",
		"2024-03-31 02:30:00+01", "1999-12-31 23:59:59.999999+00",
	},
	"clock": {"NULL", "00:00", "24:00", "23:59:59.999999", "12:34:56"},
}

// types are those of the columns, for values that come as text.
var types = map[string]string{
	"name": "varchar", "fixed": "char(5)", "flag": "boolean", "amount": "numeric(18,4)", "loose": "numeric",
	"single": "real", "ratio": "float8", "doc": "super", "raw": "varbyte", "day": "date", "moment": "timestamptz", "clock": "time",
}

// odd returns a value of a column as a literal.
func odd(r *rand.Rand, column string) string {
	value := one(r, oddities[column])
	if value == "NULL" {
		return "NULL"
	}
	return "CAST(" + literal(value) + " AS " + types[column] + ")"
}

// literal quotes for a session with standard_conforming_strings on.
func literal(s string) string { return "'" + sqlText(s) + "'" }

func sqlText(s string) string { return strings.ReplaceAll(s, "'", "''") }
