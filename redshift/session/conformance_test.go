package session_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/internal/typetest"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
	"github.com/redcache/redcache/sql"
)

// everything has a column of each type of a warehouse, and the values that copies stumble over. \F8FE is what the
// stand-in sends as a zero byte.
const everything = `
	CREATE TABLE everything (
		id integer, flag boolean, small smallint, whole int, big bigint, amount numeric(8, 2), wide numeric(38, 10),
		fine numeric(38, 37), loose numeric, single real, double float8, fixed char(5), name varchar(200), free text,
		day date, clock time, zclock timetz, moment timestamp, zoned timestamptz, doc super, bytes varbyte(64000),
		shape geometry, place geography, sketch hllsketch, months intervaly2m, seconds intervald2s, span interval);
	INSERT INTO everything VALUES
	(1, true, 32767, 2147483647, 9223372036854775807, 999999.99, 1234567890123456789012345678.0123456789,
		9.9999999999999999999999999999999999999, 12345678901234567890.10, 3.4028235e38, 1.7976931348623157e308,
		'ab', 'a' || U&'\F8FE' || 'b', U&'\F8FE' || '🚀ü€' || U&'\F8FE' || U&'\F8FE',
		'294276-12-31', '24:00', '24:00+12', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00',
		'{"a": [1, 2.50, "ü🚀"], "b": null}', '00ff', '0101', '0102', '{"logm":15}', '178956970 years 7 mons',
		'106751991 days 04:00:54.775807', '1 year 2 mons -3 days +04:05:06.789'),
	(2, false, -32768, -2147483648, -9223372036854775808, -999999.99, -0.0000000001, -1e-37, 0.00, 'Infinity',
		'-Infinity', '', '', '', '4713-01-01 BC', '00:00', '00:00-12', '4713-01-01 00:00:00 BC',
		'4713-01-01 00:00:00+00 BC', 'null', '', '', '', '', '-178956970 years -8 mons',
		'-106751991 days -04:00:54.775807', '-1 day +00:00:01'),
	(3, NULL, 0, 0, 0, 0, 0, 0, 'NaN', 'NaN', 'NaN', ' a  b', '  blanks  ', '\N', '10000-01-01', '23:59:59.999999',
		'23:59:59.5+05:30', '0001-01-01 00:00:00', '2024-07-01 12:00:00.25+02', '"TV"', 'DEADBEEF', 'x', 'x', 'AQID',
		'1-2', '1 02:03:04', '0'),
	(4, NULL, NULL, NULL, NULL, 12345.6, 100000000, 0.5, 'Infinity', '-0', '-0', '12345', repeat('ü', 200),
		repeat('0123456789', 20000), '1999-12-31', NULL, NULL, '1999-12-31 23:59:59.999999', NULL, '[]',
		'00', NULL, NULL, NULL, '0 years', '-0 days 00:00:00.000001', '-00:00:01'),
	(5, NULL, 1, 1, 1, 0.01, 1, 1, 100, '1e-45', '5e-324', NULL, NULL, NULL, NULL, '12:34:56', NULL, NULL, NULL, NULL, NULL,
		NULL, NULL, NULL, NULL, NULL, NULL),
	(6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'infinity', NULL, NULL, 'infinity',
		'-infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`

// conformance are queries whose rows both transports must bring to the cache alike.
var conformance = []struct{ name, query string }{
	{"every type", "SELECT * FROM everything"},
	{"no rows", "SELECT * FROM everything WHERE id < 0"},
	{"an untyped literal", "SELECT 'bare' AS v, NULL AS nothing, 1 AS one"},
	{"catalog types", `SELECT 4294967295::oid AS o, '7'::xid AS x, '8'::cid AS c, 'pg_class'::name AS n, 'x'::"char" AS ch`},
	{"catalog columns", "SELECT oid, relname, relkind, relhasindex FROM pg_class WHERE relname LIKE 'pg_cl%'"},
	{"opaque types", "SELECT '1 2'::int2vector AS i, '3 4'::oidvector AS o, '(1,2)'::tid AS t, 'now'::regproc AS r"},
	{"chars of every width", "SELECT v::char(5) AS v FROM (SELECT 'é' AS v UNION ALL SELECT 'ab   ' UNION ALL SELECT '' UNION ALL SELECT '12345' UNION ALL SELECT NULL) q"},
	{"a char without a length", "SELECT id, fixed::bpchar AS v FROM everything"},
	{"computed numbers", "SELECT id, amount * 3 AS v, amount / 3 AS w, id / 3.0 AS x FROM everything"},
	{"a time of the catalog", "SELECT '2024-07-01 12:00:00+00'::timestamptz::information_schema.time_stamp AS v, " +
		"3::information_schema.cardinal_number AS n"},
}

// refusals are queries whose rows neither transport may bring, with the SQLSTATE by which PostgreSQL refuses them, if it
// is PostgreSQL that does.
var refusals = []struct{ name, query, remote, code string }{
	{"a number that would be rounded", "SELECT 1.005 AS v", "numeric(5,2)", ""},
	{"a number that is too large", "SELECT 1000 AS v", "numeric(5,2)", ""},
	{"an infinite number", "SELECT 'Infinity'::numeric AS v", "numeric(5,2)", ""},
	{"a text that is too long", "SELECT 'abc'::varchar AS v", "character varying(2)", "22001"},
	{"a text that is no UTF-8", "SELECT 'a' || '\uf8ff' AS v", "character varying(9)", "22021"},
	{"JSON with a zero", `SELECT '{"a": "\\u0000"}'::super AS v`, "super", "22P05"},
	{"JSON that is none", `SELECT '{'::super AS v`, "super", "22P02"},
	{"bytes that are none", `SELECT 'xyz'::varbyte AS v`, "varbyte", ""},
}

// pair is a cache that reads a warehouse by both transports.
type pair struct {
	cache     *pgxpool.Pool
	warehouse *redshiftsim.Warehouse
	session   *session.Session
}

func newPair(t *testing.T) *pair {
	t.Helper()
	w := redshiftsim.For(t)
	p := &pair{cache: pgtest.New(t).Pool(t), warehouse: w, session: mustOpen(t, config(t, w))}
	server := redshift.Server{Name: "dw", Host: w.Host(), Port: w.Port(), Database: w.Name, User: redshiftsim.User}
	err := pgx.BeginFunc(t.Context(), p.cache, func(tx pgx.Tx) error {
		return dblink.Create(t.Context(), tx, server, redshiftsim.Password)
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// viaDblink fills table one, whose columns are the query's, and returns those. With a remote type, it takes that for
// the only column's.
func (p *pair) viaDblink(ctx context.Context, query, remote string) (columns []redshift.Column, err error) {
	return columns, pgx.BeginFunc(ctx, p.cache, func(tx pgx.Tx) error {
		s, err := dblink.Open(ctx, tx, "dw", redshift.Settings{})
		if err != nil {
			return err
		}
		if columns, err = columnsOf(ctx, s, query, remote); err != nil {
			return err
		}
		text, err := redshift.Select(columns, query, "", redshift.StripNUL)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "CREATE TABLE one ("+definition(columns)+")")
		if err == nil {
			_, err = tx.Exec(ctx, "INSERT INTO one "+dblink.Select(s.Schema(), s.Server(), columns, text))
		}
		if err != nil {
			return err // and the transaction's end closes nothing: the next Open does
		}
		return s.Close(ctx)
	})
}

func columnsOf(ctx context.Context, s *dblink.Session, query, remote string) ([]redshift.Column, error) {
	if remote == "" {
		return redshift.Describe(ctx, s, query)
	}
	kind, err := redshift.Map(remote)
	return []redshift.Column{{Name: "v", RemoteType: remote, Type: kind}}, err
}

func definition(columns []redshift.Column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = sql.Ident(c.Name) + " " + c.Type.Local
	}
	return strings.Join(parts, ", ")
}

// viaStream fills table two.
func (p *pair) viaStream(t *testing.T, columns []redshift.Column, query string) error {
	t.Helper()
	text, err := redshift.Select(columns, query, "", redshift.TrustText)
	if err != nil {
		return err
	}
	r, err := p.session.Read(t.Context(), text, columns, session.StripNUL)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = load(t, p.cache, "two", definition(columns), r)
	if r.Err() != nil {
		return r.Err()
	}
	return err
}

// contents are a table's rows, byte by byte.
func (p *pair) contents(t *testing.T, table string) []byte {
	t.Helper()
	conn, err := p.cache.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	var b bytes.Buffer
	if _, err := conn.Conn().PgConn().CopyTo(t.Context(), &b, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTransports_BringTheSameRows(t *testing.T) {
	t.Parallel()
	for _, literals := range redshiftsim.Bares {
		t.Run("literals are "+literals.String(), func(t *testing.T) {
			t.Parallel()
			p := newPair(t)
			p.warehouse.Literals(t, literals)
			mustExec(t, p.warehouse.Engine, everything)
			for _, test := range conformance {
				p.compare(t, test.name, test.query)
			}
		})
	}
}

func TestTransports_BringEveryType(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for i, sample := range typetest.Samples(t) {
		table := fmt.Sprintf("sample%d", i)
		mustExec(t, p.warehouse.Engine, sample.Table(table))
		query := "SELECT v FROM " + table
		columns, err := p.viaDblink(t.Context(), query, sample.Remote)
		if err != nil {
			t.Errorf("%s: dblink: %v", sample.Remote, err)
		} else if err := p.viaStream(t, columns, query); err != nil {
			t.Errorf("%s: stream: %v", sample.Remote, err)
		} else if one := p.contents(t, "one"); !bytes.Equal(one, p.contents(t, "two")) {
			t.Errorf("%s: the tables differ", sample.Remote)
		}
		mustExec(t, p.cache, "DROP TABLE IF EXISTS one, two")
	}
}

// A server that keeps dates and times in another form has every type read as well.
func TestPlan_HasAnEncoderForEveryType(t *testing.T) {
	t.Parallel()
	for _, typ := range redshift.EveryType() {
		for _, integerDatetimes := range []bool{true, false} {
			if err := session.Plan(redshift.Column{Name: "v", Type: typ}, integerDatetimes); err != nil {
				t.Errorf("%s: %v", typ.Remote, err)
			}
		}
	}
}

// Types that CREATE TABLE AS tells wrongly keep neither transport from bringing what the query has.
func TestTransports_LiveWithWrongTypes(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	mustExec(t, p.warehouse.Engine, everything)
	for column, told := range map[string]string{
		"name": "varchar(1)", "free": "varchar(1)", "fixed": "char(1)", "big": "varchar(1)", "flag": "varchar(5)", "moment": "varchar(256)",
		"amount": "varchar(9)", "double": "varchar(9)", "day": "text",
	} {
		p.warehouse.Mistype(t, column, told)
	}
	p.compare(t, "wrong types", "SELECT id, name, free, fixed, big, flag, moment, amount, double, day FROM everything")
}

// compare loads a query by both transports and holds the rows against each other.
func (p *pair) compare(t *testing.T, name, query string) {
	t.Helper()
	defer mustExec(t, p.cache, "DROP TABLE IF EXISTS one, two")
	columns, err := p.viaDblink(t.Context(), query, "")
	if err != nil {
		t.Errorf("%s: dblink: %v", name, err)
		return
	}
	if err := p.viaStream(t, columns, query); err != nil {
		t.Errorf("%s: stream: %v", name, err)
		return
	}
	if bytes.Equal(p.contents(t, "one"), p.contents(t, "two")) {
		return
	}
	t.Errorf("%s: the tables differ:", name)
	for _, c := range columns {
		name := sql.Ident(c.Name)
		for _, row := range mustRows(t, p.cache, "SELECT one."+name+"::text || ' / ' || two."+name+"::text FROM one, two "+
			"WHERE one.id = two.id AND one."+name+" IS DISTINCT FROM two."+name) {
			t.Errorf("%s %s: %.100s", c.Name, c.Type.Remote, row)
		}
	}
}

func TestTransports_RefuseTheSameValues(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	for _, test := range refusals {
		if _, err := p.viaDblink(t.Context(), test.query, test.remote); err == nil {
			t.Errorf("%s: dblink brought it", test.name)
		}
		kind, err := redshift.Map(test.remote)
		if err != nil {
			t.Fatal(err)
		}
		err = p.viaStream(t, []redshift.Column{{Name: "v", Type: kind}}, test.query)
		if err == nil || sqlstate(err) != test.code {
			t.Errorf("%s: stream: got %v, want %q", test.name, err, test.code)
		}
		mustExec(t, p.cache, "DROP TABLE IF EXISTS one, two")
	}
}

func TestRead_LeavesZeroBytesToPostgresWhenTold(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	r, err := p.session.Read(t.Context(), "SELECT 'a' || CHR(0) AS v",
		[]redshift.Column{column("v", "text")}, session.TrustText)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := load(t, p.cache, "two", "v text", r); sqlstate(err) != "22021" || r.Err() != nil {
		t.Errorf("got %v and %v, want SQLSTATE 22021 of PostgreSQL", err, r.Err())
	}
}
