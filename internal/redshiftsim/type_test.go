package redshiftsim_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// oddities has a column of each type that a warehouse may hold, and the values that copies stumble over.
const oddities = `
	CREATE TABLE oddities (
		flag boolean, small smallint, whole int, big bigint, amount numeric(8, 2), wide numeric(38, 10), single real, double float8,
		fixed char(5), name varchar(200), day date, clock time, moment timestamp, zoned timestamptz,
		doc super, bytes varbyte(64000), shape geometry, place geography, sketch hllsketch,
		months intervaly2m, seconds intervald2s);
	INSERT INTO oddities VALUES (
		true, 1, 2, 3, -12.34, 12345678901234567890.5, 0.1, '-Infinity',
		'ab', 'a' || U&'\F8FE' || 'b' || U&'\F8FF', '294276-01-02', '24:00', '294276-01-02 03:04:05.6', '4713-01-01 00:00+00 BC',
		'{"a": "TV"}', '00ff', '0101', '0101', '{}', '1-2', '1 02:03:04')`

// types are the columns of oddities as Redshift has them.
var types = []struct {
	column string
	oid    uint32
	text   string // of the only value
	format string // what format_type says
}{
	{"flag", 16, "t", "boolean"},
	{"small", 21, "1", "smallint"},
	{"whole", 23, "2", "integer"},
	{"big", 20, "3", "bigint"},
	{"amount", 1700, "-12.34", "numeric(8,2)"},
	{"wide", 1700, "12345678901234567890.5000000000", "numeric(38,10)"},
	{"single", 700, "0.1", "real"},
	{"double", 701, "-Infinity", "double precision"},
	{"fixed", 1042, "ab   ", "character(5)"},
	{"name", 1043, "a\x00b\xff", "character varying(200)"},
	{"day", 1082, "294276-01-02", "date"},
	{"clock", 1083, "24:00:00", "time without time zone"},
	{"moment", 1114, "294276-01-02 03:04:05.6", "timestamp without time zone"},
	{"zoned", 1184, "4713-01-01 00:00:00+00 BC", "timestamp with time zone"},
	{"doc", 4000, `{"a": "TV"}`, "super"},
	{"bytes", 6551, "00ff", "binary varying(64000)"},
	{"shape", 3000, "0101", "geometry"},
	{"place", 3001, "0101", "geography"},
	{"sketch", 2935, "{}", "hllsketch"},
	{"months", 1188, "1-2", "interval year to month"},
	{"seconds", 1190, "1 02:03:04", "interval day to second"},
	{"bare", 705, "x", `"unknown"`},
	{"nothing", 705, "", `"unknown"`},
}

const oddQuery = `SELECT *, 'x' AS bare, NULL AS nothing FROM oddities`

func TestServer_HasRedshiftTypes(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, oddities)
	conn := connect(t, warehouse)
	for _, mode := range []string{"simple", "extended"} {
		var result *pgconn.Result
		if mode == "simple" {
			results, err := conn.PgConn().Exec(t.Context(), oddQuery).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			result = results[0]
		} else {
			result = conn.PgConn().ExecParams(t.Context(), oddQuery, nil, nil, nil, nil).Read()
			if result.Err != nil {
				t.Fatal(result.Err)
			}
		}
		if len(result.FieldDescriptions) != len(types) {
			t.Fatalf("%s: got %d columns", mode, len(result.FieldDescriptions))
		}
		for i, want := range types {
			field := result.FieldDescriptions[i]
			if field.Name != want.column || field.DataTypeOID != want.oid || string(result.Rows[0][i]) != want.text {
				t.Errorf("%s: got %s of type %d with %q, want %+v", mode, field.Name, field.DataTypeOID, result.Rows[0][i], want)
			}
		}
	}
}

// A temporary table of no rows and format_type type any query, through libpq too.
func TestServer_TypesAQueryThroughDblink(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, oddities)
	conn := pgtest.Connect(t, pgtest.New(t).URL)
	for _, sql := range []string{
		`SELECT dblink_connect('c', '` + strings.ReplaceAll(conninfo(warehouse), `'`, `''`) + `')`,
		`SELECT dblink_exec('c', $$ CREATE TEMP TABLE t AS SELECT * FROM (` + oddQuery + `) q LIMIT 0 $$)`,
	} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := conn.Query(t.Context(), `
		SELECT name || ' ' || format
		FROM dblink('c', $$
			SELECT attname, pg_catalog.format_type(atttypid, atttypmod)
			FROM pg_catalog.pg_attribute
			WHERE attrelid = 't'::pg_catalog.regclass AND attnum > 0
			ORDER BY attnum $$) AS t (name text, format text)`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range types {
		if i >= len(got) || got[i] != want.column+" "+want.format {
			t.Errorf("column %d: got %v, want %s %s", i, got, want.column, want.format)
		}
	}
}

func TestServer_CutsTextAtNULForLibpq(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE TABLE t (bad varchar(20)); INSERT INTO t VALUES ('a' || U&'\F8FE' || 'b')`)
	cache := pgtest.New(t).Pool(t)
	for query, want := range map[string]string{
		`SELECT bad FROM t`:                       "a", // a C string ends here, which is what a cache must not fall for
		`SELECT REPLACE(bad, CHR(0), '') FROM t`:  "ab",
		`SELECT REPLACE(bad, chr(0), '-') FROM t`: "a-b",
	} {
		var got string
		err := cache.QueryRow(t.Context(), `SELECT v FROM dblink($1, $2) AS t(v text)`, conninfo(warehouse), query).Scan(&got)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", query, got, err, want)
		}
	}
}

// Neither libpq nor dblink looks at the bytes of a text, so broken UTF-8 gets into the cache database.
func TestServer_SendsBrokenUTF8(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE TABLE t (bad varchar(20)); INSERT INTO t VALUES ('a' || U&'\F8FF')`)
	var got int
	err := pgtest.New(t).Pool(t).QueryRow(t.Context(), `
		SELECT octet_length(v)
		FROM dblink($1, 'SELECT bad FROM t') AS t(v text)`, conninfo(warehouse)).Scan(&got)
	if err != nil || got != 2 {
		t.Errorf("got %d bytes, %v, want 2", got, err)
	}
}

// A client that asks for binary numerics must not get what it can read.
func TestServer_SendsBinaryNumericItsOwnWay(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	for text, want := range map[string]*big.Int{
		"12.34": big.NewInt(1234), "-0.05": big.NewInt(-5), "0": big.NewInt(0), "10000": big.NewInt(10000),
		"120000.0": big.NewInt(1200000), "0.00001": big.NewInt(1), "123456.789": big.NewInt(123456789),
		"12345678901234567890.12": new(big.Int).Add(
			new(big.Int).Mul(big.NewInt(1234567890123456789), big.NewInt(1000)), big.NewInt(12)),
	} {
		query := "SELECT " + text + "::numeric"
		result := conn.PgConn().ExecParams(t.Context(), query, nil, nil, nil, []int16{pgx.BinaryFormatCode}).Read()
		if result.Err != nil {
			t.Fatal(result.Err)
		}
		got := result.Rows[0][0]
		size := 8
		if !want.IsInt64() {
			size = 16
		}
		if len(got) != size || new(big.Int).SetBytes(got).Cmp(unsigned(want, size)) != 0 {
			t.Errorf("%s: got % x", text, got)
		}
	}
	var amount pgtype.Numeric // the mode of pgx that prepares asks for binary
	err := conn.QueryRow(t.Context(), "SELECT 12.34::numeric").Scan(&amount)
	value, _ := amount.Float64Value()
	if err == nil && value.Float64 == 12.34 {
		t.Error("a client that asks for binary numerics got the right number")
	}
}

func unsigned(n *big.Int, size int) *big.Int {
	if n.Sign() < 0 {
		return new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return n
}

func TestServer_RoundsFloatsUnlessAsked(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	const query = `SELECT 0.1::float8 + 0.2::float8, 16777.217::real`
	for _, test := range []struct{ set, want string }{
		{"SET extra_float_digits TO 0", "0.3 16777.2"},
		{"SET extra_float_digits TO 2", "0.30000000000000004 16777.217"},
	} {
		results, err := conn.PgConn().Exec(t.Context(), test.set+"; "+query).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		row := results[1].Rows[0]
		if got := string(bytes.Join(row, []byte(" "))); got != test.want {
			t.Errorf("%s: got %s, want %s", test.set, got, test.want)
		}
	}
}

func TestServer_FoldsNamesAndKeepsLongOnes(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	long := "a_" + strings.Repeat("é", 60) // 122 bytes
	longer := strings.Repeat("b", 140)
	results, err := conn.PgConn().Exec(t.Context(), fmt.Sprintf(`
		CREATE TEMP TABLE t AS SELECT 1 AS "Weird Name; x", 2 AS %s, 3 AS %s;
		SELECT * FROM t;
		SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum;
		SET enable_case_sensitive_identifier TO true`, long, longer)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"weird name; x", long, longer[:127]} {
		if got := results[1].FieldDescriptions[i].Name; got != want {
			t.Errorf("column %d: got %q, want %q", i, got, want)
		}
		if got := string(results[2].Rows[i][0]); got != want {
			t.Errorf("attribute %d: got %q, want %q", i, got, want)
		}
	}
	results, err = conn.PgConn().Exec(t.Context(), `SELECT 1 AS "Weird"`).ReadAll()
	if err != nil || results[0].FieldDescriptions[0].Name != "Weird" {
		t.Errorf("got %+v, %v", results, err)
	}
}

func TestServer_EscapesWithBackslash(t *testing.T) {
	t.Parallel()
	conn := connect(t, redshiftsim.For(t))
	for sql, want := range map[string]string{
		`SELECT 'a\\b'`: `a\b`, `SELECT 'a\'b'`: `a'b`, `SELECT 'a''b'`: `a'b`, `SELECT $$a\b$$`: `a\b`,
	} {
		results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
		if err != nil || string(results[0].Rows[0][0]) != want {
			t.Errorf("%s: got %v, %v", sql, results, err)
		}
	}
	_, err := conn.PgConn().Exec(t.Context(), `SELECT 'a\' AS x`).ReadAll()
	if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || !strings.HasPrefix(e.Message, "unterminated quoted string") {
		t.Errorf("got %v", err)
	}
}

func TestServer_HasRedshiftFunctions(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE TABLE things (id int, name varchar(20)); INSERT INTO things VALUES (1, 'b'), (2, 'a'); CREATE TABLE hollow ()`)
	cache := pgtest.New(t).Pool(t)
	for query, want := range map[string]string{
		`SELECT version() LIKE 'PostgreSQL 8.0.2%Redshift 1.0.%'`:                       "t",
		`SELECT dateadd(day, -1, '2024-03-01'::timestamp)`:                              "2024-02-29 00:00:00",
		`SELECT dateadd('month', 1, '2024-01-31'::date)`:                                "2024-02-29 00:00:00",
		`SELECT datediff(month, '2024-01-31'::timestamp, '2024-02-01'::timestamp)`:      "1",
		`SELECT datediff(hour, '2024-01-31'::timestamp, '2024-02-01 01:59'::timestamp)`: "25",
		`SELECT nvl(NULL, 'x')`: "x",
		`SELECT len('héé') + charindex('b', 'abc') + strtol('ff', 16)`:                                        "260",
		`SELECT listagg(name, ',') WITHIN GROUP (ORDER BY id) FROM things`:                                    "b,a",
		`SELECT listagg(name) WITHIN GROUP (ORDER BY name) FROM things`:                                       "ab",
		`SELECT fnv_hash(id, fnv_hash(name)) = fnv_hash(id, fnv_hash('a'::varchar)) FROM things WHERE id = 2`: "t",
		`SELECT octet_length('é') || replace('aXb', 'X', '-')`:                                                "2a-b",
		`SELECT from_varbyte(to_varbyte('abc', 'utf8'), 'hex')`:                                               "616263",
		`SELECT json_serialize(json_parse('{"a": 1}'))`:                                                       `{"a": 1}`,
		`SELECT json_extract_path_text('{"a": {"b": "c"}}', 'a', 'b')`:                                        "c",
		`SELECT (getdate() <= sysdate + interval '1 second') AND pg_backend_pid() > 0`:                        "t",
		`SELECT has_table_privilege(current_user, 'svv_table_info', 'select')`:                                "t",
		`SELECT "table" || ' ' || tbl_rows FROM svv_table_info WHERE "schema" = 'public'`:                     "things 2",
		`SELECT convert_timezone('UTC', 'Asia/Tokyo', '2024-01-01'::timestamp)`:                               "2024-01-01 09:00:00",
		`SELECT current_setting('query_group') || current_setting('server_version')`:                          "unset8.0.2",
		`SELECT CAST('1-2' AS interval year to month)`:                                                        "1-2",
		`SELECT json_serialize(doc) FROM (SELECT json_parse('"TV"') AS doc, id FROM things) q`:                `"TV"`,
	} {
		var got string
		err := cache.QueryRow(t.Context(), `SELECT v FROM dblink($1, $2) AS t(v text) LIMIT 1`, conninfo(warehouse), query).Scan(&got)
		if err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", query, got, err, want)
		}
	}
}
