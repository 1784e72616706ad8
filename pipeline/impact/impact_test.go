package impact_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/pipeline/impact"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// others are what people who are not us have made over views of ours.
var others = []string{
	`CREATE SCHEMA bi AUTHORIZATION ` + pgtest.Owner,
	`SET ROLE ` + pgtest.Owner,
	`CREATE VIEW bi.sales AS SELECT 1 AS id, 2 AS amount, 3 AS "odd ""name"`,
	`CREATE VIEW bi."o'dd |view" AS SELECT 1 AS id`,
	`CREATE VIEW bi.plain AS SELECT 1 AS id`,
	`RESET ROLE`,
	`CREATE SCHEMA rep`,
	`CREATE VIEW rep.daily AS SELECT amount FROM bi.sales`,
	`CREATE VIEW rep.ids AS SELECT id FROM bi.sales`,
	`CREATE MATERIALIZED VIEW rep.kept AS SELECT id, amount FROM bi.sales`,
	`CREATE VIEW rep.above AS SELECT amount AS a FROM rep.daily`,
	`CREATE VIEW rep.whole AS SELECT s FROM bi.sales s`,
	`CREATE VIEW rep."a` + "\n" + `b|<b>" AS SELECT "odd ""name" FROM bi.sales`,
	`CREATE TABLE rep.log (n integer)`,
	`CREATE RULE watch AS ON INSERT TO rep.log DO ALSO SELECT amount FROM bi.sales`,
	`CREATE FUNCTION rep.total() RETURNS bigint BEGIN ATOMIC SELECT sum(amount) FROM bi.sales; END`,
	`CREATE FUNCTION rep.rows() RETURNS SETOF bi.sales LANGUAGE sql AS 'SELECT NULL::bi.sales'`,
	`CREATE FUNCTION rep.said(n integer) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT Amount FROM "bi"."sales" LIMIT n); END $$`,
	`CREATE PROCEDURE rep.star() LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT * FROM ' || 'BI.SALES'; END $$`,
	`CREATE FUNCTION rep.elsewhere() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT amount FROM old.sales); END $$`,
	`CREATE FUNCTION rep.other() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT id FROM bi.sales); END $$`,
	`CREATE FUNCTION rep.longer() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT amount FROM bi.sales_2024); END $$`,
	`CREATE VIEW rep.odd AS SELECT id FROM bi."o'dd |view"`,
	// Views that read each other can be made.
	`CREATE VIEW rep.one AS SELECT id AS n FROM bi.plain`,
	`CREATE VIEW rep.two AS SELECT n FROM rep.one`,
	`CREATE OR REPLACE VIEW rep.one AS SELECT n FROM rep.two UNION SELECT id FROM bi.plain`,
	// What others may have put in the way of what we call.
	`CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS 'SELECT (1/0)::text'`,
}

var sales = catalog.Name{Schema: "bi", View: "sales"}

// lines are uses as a test compares them.
func lines(uses []impact.Use) (all []string) {
	for _, u := range uses {
		line := fmt.Sprintf("%s: %s %s (%s) [%s]", u.Of, u.Kind, u.Name, u.By, strings.Join(u.Columns, ", "))
		if u.Through != "" {
			line += " through " + u.Through
		}
		all = append(all, line)
	}
	return all
}

func find(t *testing.T, d *pgtest.Database, losses ...impact.Loss) ([]impact.Use, []string) {
	t.Helper()
	pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: d.URL, MaxConns: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	uses, notes, err := impact.Find(t.Context(), pool, losses)
	if err != nil {
		t.Fatal(err)
	}
	return uses, notes
}

func TestFind_NamesWhoUsesWhatGoes(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	if err := d.Admin(t.Context(), d.Name, others...); err != nil {
		t.Fatal(err)
	}
	t.Run("a column goes", func(t *testing.T) {
		uses, notes := find(t, d, impact.Loss{View: sales, Columns: []string{"amount"}, Remade: true})
		want := []string{
			"bi.sales: function rep.rows() (catalog) []",
			"bi.sales: function rep.total() (catalog) [amount]",
			"bi.sales: materialized view rep.kept (catalog) [amount]",
			"bi.sales: rule watch on rep.log (catalog) [amount]",
			`bi.sales: view rep.U&"a\000ab|<b>" (catalog) []`,
			"bi.sales: view rep.daily (catalog) [amount]",
			"bi.sales: view rep.ids (catalog) []",
			"bi.sales: view rep.whole (catalog) []",
			"bi.sales: view rep.above (catalog) [] through rep.daily",
			"bi.sales: function rep.said(n integer) (text) [amount]",
			"bi.sales: procedure rep.star() (text) [*]",
		}
		if diff := cmp.Diff(want, lines(uses)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(notes) != 1 || !strings.Contains(notes[0], "pg_stat_statements is not installed") {
			t.Errorf("notes: %q", notes)
		}
	})
	t.Run("a view goes", func(t *testing.T) {
		odd := catalog.Name{Schema: "bi", View: "o'dd |view"}
		plain := catalog.Name{Schema: "bi", View: "plain"}
		uses, _ := find(t, d, impact.Loss{View: odd, Goes: true, Remade: true}, impact.Loss{View: plain, Goes: true, Remade: true})
		want := []string{
			`bi."o'dd |view": view rep.odd (catalog) [id]`,
			"bi.plain: view rep.one (catalog) [id]",
			"bi.plain: view rep.two (catalog) [] through rep.one",
			"bi.plain: view rep.one (catalog) [] through rep.two",
		}
		got := lines(uses)
		slices.SortFunc(got, func(a, b string) int { return slices.Index(want, a) - slices.Index(want, b) })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
	t.Run("nothing goes", func(t *testing.T) {
		if uses, notes := find(t, d, impact.Loss{View: sales}); uses != nil || notes != nil {
			t.Errorf("got %v, %v", uses, notes)
		}
	})
}

// What applications ask is told without a value, once for each role, and what may not be read is said.
func TestFind_TellsOfStatements(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{
		Settings:   map[string]string{"shared_preload_libraries": "'pg_stat_statements'"},
		Extensions: []string{"pg_stat_statements"},
	})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Admin(t.Context(), name,
		`CREATE SCHEMA bi AUTHORIZATION `+pgtest.Owner, `SET ROLE `+pgtest.Owner,
		`CREATE VIEW bi.sales AS SELECT 1 AS id, 2 AS amount`, `GRANT USAGE ON SCHEMA bi TO PUBLIC`, `GRANT SELECT ON bi.sales TO PUBLIC`,
		`CREATE SCHEMA redcache`, `CREATE VIEW redcache.state AS SELECT`,
	); err != nil {
		t.Fatal(err)
	}
	reader := pgtest.OpenPool(t, cluster.ReaderURL(name))
	for _, statement := range []string{
		`SELECT amount FROM bi.sales WHERE id = 4711`, `SELECT amount FROM bi.sales WHERE id = 815`, `SELECT id FROM bi.sales`,
		`/* trace 99 */ SELECT count(amount) FROM bi.sales`,
		`COPY (SELECT amount FROM bi.sales WHERE id::text = 'canary') TO STDOUT`,
		`DO $$ BEGIN PERFORM amount FROM bi.sales; END $$`,
	} {
		if _, err := reader.Exec(t.Context(), statement); err != nil {
			t.Fatal(statement, err)
		}
	}
	pool := pgtest.OpenPool(t, cluster.OwnerURL(name))
	loss := impact.Loss{View: sales, Columns: []string{"amount"}, Remade: true}
	uses, notes, err := impact.Find(t.Context(), pool, []impact.Loss{loss})
	if err != nil || uses != nil || len(notes) != 1 || !strings.Contains(notes[0], "only statements of this role") {
		t.Errorf("without the right to read them: %v, %q, %v", uses, notes, err)
	}
	if err := cluster.Admin(t.Context(), name, `GRANT pg_read_all_stats TO `+pgtest.Owner); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), `SELECT FROM redcache.state, bi.sales WHERE amount = 2`); err != nil { // as we ask
		t.Fatal(err)
	}
	uses, notes, err = impact.Find(t.Context(), pool, []impact.Loss{loss})
	if err != nil || notes != nil {
		t.Fatal(notes, err)
	}
	want := []impact.Use{
		{Name: "SELECT amount FROM bi.sales WHERE id = $1", Calls: 2},
		{Name: "COPY (SELECT amount FROM bi.sales WHERE id::text = …", Calls: 1},
		{Name: "SELECT count(amount) FROM bi.sales", Calls: 1},
	}
	for i := range want {
		want[i].Of, want[i].By, want[i].Kind, want[i].Role, want[i].Columns = sales, impact.ByStatement, "statement", pgtest.Reader, []string{"amount"}
	}
	slices.SortFunc(uses, func(a, b impact.Use) int { return int(b.Calls-a.Calls)*1000 + strings.Compare(a.Name, b.Name) })
	if diff := cmp.Diff(want, uses); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An extension that the server has not loaded keeps nothing from being planned.
func TestFind_SaysThatStatementsCannotBeRead(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	if err := d.Admin(t.Context(), d.Name, `CREATE EXTENSION pg_stat_statements`); err != nil {
		t.Fatal(err)
	}
	_, notes := find(t, d, impact.Loss{View: sales, Goes: true})
	if len(notes) != 1 || !strings.Contains(notes[0], "must be loaded via") {
		t.Errorf("notes: %q", notes)
	}
}
