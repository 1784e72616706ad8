package tickit_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/internal/redshiftsim/tickit"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestLoad_HasWhatItPromises(t *testing.T) {
	t.Parallel()
	pool, url := engine(t)
	if err := tickit.Load(t.Context(), url, tickit.Options{Sales: 2000}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, query string
		want        int64
	}{
		{"sales", `SELECT count(*) FROM tickit.sales`, 2000},
		{"unique sales", `SELECT count(DISTINCT salesid) FROM tickit.sales`, 2000},
		{"NULL watermarks", `SELECT count(*) FROM tickit.sales WHERE updated_at IS NULL`, 2000 / tickit.NullUpdatedEvery},
		{"late sales", `
			SELECT count(*) FROM tickit.sales
			WHERE saletime < date_trunc('second', updated_at) - interval '1 second' OR salesid % 1000 = 0`, 2000 / tickit.LateEvery},
		{"duplicate listings", `
			SELECT count(*) FROM (SELECT FROM tickit.listing GROUP BY listid HAVING count(*) = 2) d`, 2000 / tickit.DuplicateEvery},
		{"other repeats", `
			SELECT count(*) FROM (SELECT FROM tickit.listing GROUP BY listid HAVING count(*) > 2) d`, 0},
		{"venues", `SELECT count(*) FROM tickit.venue`, 202},
		{"categories", `SELECT count(DISTINCT catname) FROM tickit.category`, 11},
		{"days", `SELECT count(DISTINCT caldate) FROM tickit.date`, 365},
		{"lost sellers", `SELECT count(*) FROM tickit.sales WHERE sellerid NOT IN (SELECT userid FROM tickit.users)`, 0},
	} {
		if got := count(t, pool, test.query); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
	if count(t, pool, `SELECT count(*) FROM tickit.users WHERE octet_length(firstname) > char_length(firstname)`) == 0 {
		t.Error("no names beyond ASCII")
	}
	if count(t, pool, `SELECT count(*) FROM tickit.sales WHERE commission IS NULL`) == 0 {
		t.Error("no NULL commission")
	}
}

func TestLoad_IsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	pool, url := engine(t)
	var digests [2]int64
	for i := range digests {
		if err := tickit.Load(t.Context(), url, tickit.Options{Sales: 500}); err != nil {
			t.Fatal(err)
		}
		digests[i] = count(t, pool, `
			SELECT sum(h)::bigint FROM (
				SELECT hashtext(s::text) AS h FROM tickit.sales s
				UNION ALL SELECT hashtext(l::text) FROM tickit.listing l
				UNION ALL SELECT hashtext(u::text) FROM tickit.users u
				UNION ALL SELECT hashtext(e::text) FROM tickit.event e) rows`)
	}
	if digests[0] != digests[1] {
		t.Errorf("got digests %v of two loads", digests)
	}
}

func TestChange_MovesTheWatermark(t *testing.T) {
	t.Parallel()
	pool, url := engine(t)
	if err := tickit.Load(t.Context(), url, tickit.Options{Sales: 1000}); err != nil {
		t.Fatal(err)
	}
	const recent = `SELECT count(*) FROM tickit.sales WHERE updated_at > now() AT TIME ZONE 'UTC' - interval '1 hour'`
	before := count(t, pool, `SELECT count(*) FROM tickit.sales`)
	if n := count(t, pool, recent); n != 0 {
		t.Fatalf("%d loaded sales are new", n)
	}
	changed, err := tickit.Change(t.Context(), pool, 100)
	if err != nil {
		t.Fatal(err)
	}
	if changed.Inserted != 70 || changed.Updated == 0 || changed.Deleted == 0 {
		t.Errorf("got %+v, want 70 inserts, some updates and deletes", changed)
	}
	if got, want := count(t, pool, `SELECT count(*) FROM tickit.sales`), before+changed.Inserted-changed.Deleted; got != want {
		t.Errorf("got %d sales, want %d", got, want)
	}
	if n := count(t, pool, recent); n < changed.Inserted-changed.Deleted || n > changed.Inserted+changed.Updated {
		t.Errorf("%d sales are new after %+v", n, changed)
	}
}

// The texts arrive through the stand-in as they are in the engine.
func TestLoad_IsReadThroughTheStandIn(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	if err := tickit.Load(t.Context(), warehouse.EngineURL, tickit.Options{Sales: 500}); err != nil {
		t.Fatal(err)
	}
	conn := pgtest.Connect(t, warehouse.UserURL())
	for _, query := range []string{
		`SELECT eventid, eventname, starttime FROM tickit.event ORDER BY eventid`,
		`SELECT userid, username, lastname, state, likejazz FROM tickit.users ORDER BY userid`,
		`SELECT salesid, pricepaid, commission, updated_at FROM tickit.sales ORDER BY salesid`,
	} {
		direct, err := warehouse.Engine.Query(t.Context(), query, pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		want := texts(t, direct)
		through, err := conn.Query(t.Context(), query, pgx.QueryExecModeExec)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, texts(t, through)); diff != "" || len(want) == 0 {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

// texts collects the rows as they are on the wire.
func texts(t *testing.T, rows pgx.Rows) []string {
	t.Helper()
	defer rows.Close()
	var all []string
	for rows.Next() {
		all = append(all, fmt.Sprintf("%q", rows.RawValues()))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func engine(t *testing.T) (*pgxpool.Pool, string) {
	t.Helper()
	db := pgtest.New(t)
	return db.AdminPool(t), db.AdminURL(db.Name)
}

func count(t *testing.T, pool *pgxpool.Pool, query string) int64 {
	t.Helper()
	var n int64
	if err := pool.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// BenchmarkLoad reports how fast sample data are made.
func BenchmarkLoad(b *testing.B) {
	db := pgtest.New(b)
	const sales = 50_000
	for b.Loop() {
		if err := tickit.Load(b.Context(), db.AdminURL(db.Name), tickit.Options{Sales: sales}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(sales*b.N)/b.Elapsed().Seconds(), "sales/s")
}
