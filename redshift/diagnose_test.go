package redshift_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
)

func TestFindKeys_ShowsThreeExamples(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, `CREATE TABLE odd (id int, region varchar(9), live boolean)`)
	linktest.Exec(t, b.Warehouse.Engine, `
		INSERT INTO odd VALUES (1, 'eu', true), (1, 'eu', true), (1, 'eu', true), (1, 'us', true), (2, NULL, true), (2, NULL, true),
			(NULL, 'x', true)`)
	const query = `SELECT id, region, live FROM odd -- all`
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		key := []string{"id", "region", "live"}
		got, err := redshift.FindDuplicateKeys(t.Context(), s, query, key)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"id = 1, region = eu, live = t (3 rows)"}, got); diff != "" {
			t.Error(diff)
		}
		got, err = redshift.FindNullKeys(t.Context(), s, query+" ORDER BY 1", key)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"id = 2, region = NULL, live = t", "id = 2, region = NULL, live = t", "id = NULL, region = x, live = t"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		got, err = redshift.FindDuplicateKeys(t.Context(), s, "SELECT 1 AS id", []string{"id"})
		if err != nil || len(got) != 0 {
			t.Errorf("got %v, %v of a query with one row", got, err)
		}
	})
}

func TestFindBadText_NamesColumnAndKey(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE note (id int, body varchar(20), code varchar(9), plain boolean)")
	const bad = redshiftsim.InvalidByteMarker
	linktest.Exec(t, b.Warehouse.Engine, "INSERT INTO note VALUES (1, 'fine ü 🚀', 'a'), (2, $1, 'b'), (3, $1, $2)", "a"+bad, bad)
	const query = "SELECT id, body, code, plain FROM note"
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		columns, err := redshift.Describe(t.Context(), s, query)
		if err != nil {
			t.Fatal(err)
		}
		// The copy of the text would get in, were it not for the check.
		linktest.InSavepoint(t, tx, func(tx pgx.Tx) {
			remote, err := redshift.Select(columns, query, "", redshift.StripNUL)
			if err != nil {
				t.Fatal(err)
			}
			linktest.Exec(t, tx,
				"CREATE TEMPORARY TABLE raw AS SELECT * FROM public.dblink('dw', $1) AS t(id int, body text, code text, plain text)",
				remote)
			_, err = tx.Exec(t.Context(), "CREATE TEMPORARY TABLE copy AS "+dblink.Select(s.Schema(), "dw", columns, remote))
			if sqlstate(err) != "22021" {
				t.Errorf("got %v, want 22021", err)
			}
		})
		got, err := dblink.FindBadText(t.Context(), s, columns, query, []string{"id", "code"})
		if err != nil {
			t.Fatal(err)
		}
		want := []dblink.BadText{
			{Column: "body", Key: "id = 2, code = b"},
			{Column: "body", Key: "id = 3, code = bytes ff"},
			{Column: "code", Key: "id = 3, code = bytes ff"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
