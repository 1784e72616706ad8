package redshift_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/redshift"
)

func TestDescribe_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, `CREATE TABLE odd AS SELECT 7 AS id, 8 AS "Weird Name"`)
	long := strings.Repeat("x", 64)
	column := func(name string) func(error) bool {
		return func(err error) bool {
			var wrong *redshift.ColumnError
			return errors.As(err, &wrong) && wrong.Column == name && wrong.Hint() != ""
		}
	}
	problem := func(name, text string) func(error) bool {
		return func(err error) bool { return column(name)(err) && strings.Contains(err.Error(), text) }
	}
	code := func(want string) func(error) bool { return func(err error) bool { return sqlstate(err) == want } }
	tests := []struct {
		query string
		want  func(error) bool
	}{
		{"SELECT 1 AS a, 2 AS a", column("a")},
		{"SELECT 1 AS a, 2 AS \"a b\", 3 AS \"a b\"", column("a b")},
		{"SELECT 1 AS a, 1 + 1", column("?column?")},
		{"SELECT 1 + 1, 2 + 2", column("?column?")},
		{"SELECT 1; SELECT 2", func(err error) bool { return errors.As(err, new(*redshift.QueryError)) }},
		{"SELECT p.proargtypes::oid[] AS args FROM pg_proc p", func(err error) bool {
			// The stand-in refuses arrays by itself; a plain PostgreSQL would let them through to the type table.
			return sqlstate(err) != "" || errors.As(err, new(*redshift.UnmappedTypeError))
		}},
		{"SELECT * FROM nowhere", code("42P01")},
		{"SELECT nothing FROM pg_class", code("42703")},
		{"SELECT 'a", func(err error) bool { return errors.As(err, new(*redshift.QueryError)) }},
		{"SELECT 1 AS " + long, column(long)},
		{"SELECT id AS xmin FROM odd", problem("xmin", "system column")},
		{"SELECT id AS tableoid FROM odd", problem("tableoid", "system column")},
		{"SELECT id AS ctid FROM odd", problem("ctid", "system column")},
		{"SELECT * FROM odd", problem("Weird Name", "has capitals")},
	}
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		for _, test := range tests {
			linktest.InSavepoint(t, tx, func(pgx.Tx) {
				if _, err := redshift.Describe(t.Context(), s, test.query); !test.want(err) {
					t.Errorf("%s: got %v", test.query, err)
				}
			})
		}
	})
}

// Where the link's user is told to, Redshift keeps capitals, and everything works with them.
func TestDescribe_KeepsCapitalsWhereRedshiftDoes(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, `CREATE TABLE odd AS SELECT 7 AS id, 8 AS "Weird Name"`)
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		linktest.Exec(t, tx, `SELECT dblink_exec('dw', 'SET enable_case_sensitive_identifier TO true')`)
		columns, err := redshift.Describe(t.Context(), s, "SELECT * FROM odd")
		if err != nil || len(columns) != 2 || columns[1].Name != "Weird Name" {
			t.Fatalf("got %v, %v", columns, err)
		}
		sql, err := redshift.Select(columns, "SELECT * FROM odd", "", redshift.StripNUL)
		if err != nil {
			t.Fatal(err)
		}
		if got := linktest.Text(t, tx, `SELECT "Weird Name" FROM (`+dblink.Select(s.Schema(), "dw", columns, sql)+`) r`); got != "8" {
			t.Errorf("got %s", got)
		}
	})
}

func TestDescribe_LeavesNothingOnTheRemote(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		want := []redshift.Column{{Name: "n", RemoteType: "integer"}, {Name: "d", RemoteType: "numeric(10,2)"}}
		for range 2 { // the second one finds the first one's table gone
			got, err := redshift.Describe(t.Context(), s, "SELECT 1 AS n, 2::numeric(10,2) AS d ORDER BY 1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(redshift.Column{}, "Type")); diff != "" {
				t.Error(diff)
			}
		}
	})
}

func TestMap_ReadsModifiersAndRefusesTheRest(t *testing.T) {
	t.Parallel()
	for remote, local := range map[string]string{
		"timestamp(3) without time zone": "timestamp without time zone", "interval(6)": "interval",
		"interval year to month": "interval", "interval day to second(6)": "interval",
		"character varying(65535)": "character varying(65535)", "character varying(16000000)": "text",
		"character varying": "text", "NUMERIC(38, 0)": "numeric(38,0)", "numeric": "numeric", "bpchar": "text",
		"binary varying(64000)": "bytea", `"unknown"`: "text", `"char"`: "text", "information_schema.yes_or_no": "text",
	} {
		got, err := redshift.Map(remote)
		if err != nil || got.Local != local {
			t.Errorf("%s: got %q, %v, want %q", remote, got.Local, err, local)
		}
	}
	for _, remote := range []string{"integer[]", "json", "uuid", "bytea", "", "numeric(1", "foo.bar", "character varying(9)[]"} {
		var unmapped *redshift.UnmappedTypeError
		if _, err := redshift.Map(remote); !errors.As(err, &unmapped) {
			t.Errorf("%s: got %v, want an UnmappedTypeError", remote, err)
		} else {
			linktest.Contains(t, unmapped.Hint(), "::varchar")
		}
	}
}
