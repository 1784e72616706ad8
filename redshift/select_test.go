package redshift_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
)

// types is the type table: an expression on Redshift, the type that Describe must find for the cache, and the text
// that must arrive ("" for NULL).
var types = []struct{ name, query, local, want string }{
	{"boolean", "SELECT true AS v", "boolean", "true"},
	{"smallint", "SELECT (-32768)::smallint AS v", "smallint", "-32768"},
	{"integer", "SELECT 2147483647 AS v", "integer", "2147483647"},
	{"bigint", "SELECT 9223372036854775807 AS v", "bigint", "9223372036854775807"},
	{
		"numeric", "SELECT 12345678901234567890123456789.012345678::numeric(38,9) AS v",
		"numeric(38,9)", "12345678901234567890123456789.012345678",
	},
	{
		"numeric of scale 37", "SELECT 1.2345678901234567890123456789012345678::numeric(38,37) AS v",
		"numeric(38,37)", "1.2345678901234567890123456789012345678",
	},
	{"numeric null", "SELECT NULL::numeric(5,2) AS v", "numeric(5,2)", ""},
	{"real", "SELECT 1.1::real AS v", "real", "1.1"},
	{"real infinity", "SELECT '-Infinity'::real AS v", "real", "-Infinity"},
	{"double", "SELECT 0.1::float8 + 0.2::float8 AS v", "double precision", "0.30000000000000004"},
	{"double nan", "SELECT 'NaN'::float8 AS v", "double precision", "NaN"},
	{"varchar", `SELECT 'it''s \\ “ü” 🚀'::varchar(40) AS v`, "text", `it's \ “ü” 🚀`},
	{"varchar empty", "SELECT ''::varchar(1) AS v", "text", ""},
	{"varchar blanks", "SELECT 'a '::varchar(5) AS v", "text", "a "},
	{"char", "SELECT 'ab'::char(4) AS v", "bpchar", "ab"}, // a cast to text drops the padding
	{"literal", "SELECT 'a' AS v", "text", "a"},
	{"date", "SELECT '2024-02-29'::date AS v", "date", "2024-02-29"},
	{"date bc", "SELECT '4713-01-01 BC'::date AS v", "date", "4713-01-01 BC"},
	{"time", "SELECT '23:59:59.999999'::time AS v", "time without time zone", "23:59:59.999999"},
	{"timetz", "SELECT '23:59:59.5+02'::timetz AS v", "time with time zone", "23:59:59.5+02"},
	{
		"timestamp", "SELECT '294276-01-02 03:04:05.678901'::timestamp AS v",
		"timestamp without time zone", "294276-01-02 03:04:05.678901",
	},
	{
		"timestamptz", "SELECT '2024-07-01 12:00:00+02'::timestamptz AS v",
		"timestamp with time zone", "2024-07-01 10:00:00+00",
	},
	{"interval", "SELECT '-1 day 02:00:00'::interval AS v", "interval", "-1 days +02:00:00"},
	{"super", `SELECT s AS v FROM special`, "jsonb", `{"a": [1, "ü"]}`},
	{"varbyte", "SELECT b AS v FROM special", "bytea", `\x00616263ff`},
	{"geometry", "SELECT g AS v FROM special", "text", "0101000000000000000000F03F0000000000000040"},
	{"geography", "SELECT o AS v FROM special", "text", "0101000020E6100000"},
	{"hllsketch", "SELECT h AS v FROM special", "text", `{"logm":15}`},
	{"year to month", "SELECT y AS v FROM special", "interval", "1 year 2 mons"},
	{"day to second", "SELECT d AS v FROM special", "interval", "1 day 02:03:04.567891"},
	{"oid", "SELECT 4294967295::oid AS v", "bigint", "4294967295"},
	{"name", "SELECT 'pg_class'::name AS v", "text", "pg_class"},
}

func TestTypes_Arrive(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, `
		CREATE TABLE special (s super, b varbyte(10), g geometry, o geography, h hllsketch, y intervaly2m, d intervald2s)`)
	linktest.Exec(t, b.Warehouse.Engine, `
		INSERT INTO special VALUES ('{"a":[1,"ü"]}', '00616263ff', '0101000000000000000000F03F0000000000000040',
			'0101000020E6100000', '{"logm":15}', '1 year 2 mons', '1 days 02:03:04.567891')`)
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		linktest.Exec(t, tx, "SET LOCAL timezone TO 'UTC'; SET LOCAL extra_float_digits TO 1")
		for _, test := range types {
			linktest.InSavepoint(t, tx, func(tx pgx.Tx) {
				columns, err := redshift.Describe(t.Context(), s, test.query)
				if err != nil {
					t.Errorf("%s: %v", test.name, err)
					return
				}
				if columns[0].Type.Local != test.local {
					t.Errorf("%s: %s became %s, want %s", test.name, columns[0].RemoteType, columns[0].Type.Local, test.local)
				}
				var got *string
				if err := tx.QueryRow(t.Context(), linktest.Select(t, s, columns, test.query)).Scan(&got); err != nil {
					t.Errorf("%s: %v", test.name, err)
					return
				}
				if got == nil {
					got = new(string)
				}
				if *got != test.want {
					t.Errorf("%s: got %q, want %q", test.name, *got, test.want)
				}
			})
		}
	})
}

func TestSelect_GivesColumnsTheirNames(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	const query = `SELECT 1 AS "weird name; drop table x", 2 AS "größe", 3 AS "select", 4 AS "a\b", 5 AS "q""q" -- no end`
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		columns, err := redshift.Describe(t.Context(), s, query)
		if err != nil {
			t.Fatal(err)
		}
		remote, err := redshift.Select(columns, query, `q."größe" = 2`, redshift.StripNUL)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := tx.Query(t.Context(), dblink.Select(s.Schema(), s.Server(), columns, remote))
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectOneRow(rows, pgx.RowToMap)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"weird name; drop table x": int32(1), "größe": int32(2), "select": int32(3), `a\b`: int32(4), `q"q`: int32(5),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSelect_RefusesANumberThatDoesNotFit(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	narrow, err := redshift.Map("numeric(5,2)")
	if err != nil {
		t.Fatal(err)
	}
	columns := []redshift.Column{{Name: "v", RemoteType: "numeric(5,2)", Type: narrow}}
	for value, code := range map[string]string{
		"1.005": "22P02", "1000": "22003", "-999.99": "", "1.500": "", "'NaN'": "",
	} {
		b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
			linktest.InSavepoint(t, tx, func(tx pgx.Tx) {
				_, err := tx.Exec(t.Context(), linktest.Select(t, s, columns, "SELECT "+value+"::numeric AS v"))
				if got := sqlstate(err); got != code {
					t.Errorf("%s: got %q (%v), want %q", value, got, err, code)
				}
			})
		})
	}
}

func TestSelect_StripsZeroBytesUnlessToldToTrust(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE zero AS SELECT $1::varchar(20) AS v", "a"+redshiftsim.NULMarker+"b")
	const query = "SELECT v FROM zero"
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		columns, err := redshift.Describe(t.Context(), s, query)
		if err != nil {
			t.Fatal(err)
		}
		// What libpq leaves of a trusted text shows why stripping is the default.
		for policy, want := range map[redshift.TextPolicy]string{redshift.StripNUL: "ab", redshift.TrustText: "a"} {
			remote, err := redshift.Select(columns, query, "", policy)
			if err != nil {
				t.Fatal(err)
			}
			if got := linktest.Text(t, tx, dblink.Select(s.Schema(), "dw", columns, remote)); got != want {
				t.Errorf("policy %d: got %q, want %q", policy, got, want)
			}
		}
	})
}

func sqlstate(err error) string {
	if remote := (*pgconn.PgError)(nil); errors.As(err, &remote) {
		return remote.Code
	}
	return ""
}
