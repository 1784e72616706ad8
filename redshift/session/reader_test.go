package session_test

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift/session"
)

func TestReader_FillsATable(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	mustExec(t, w.Engine, `
		CREATE TABLE sales AS
		SELECT i AS id, i * 1.25::numeric(12,2) AS amount, 'name ' || i AS name, NULLIF(i % 7, 0)::smallint AS part
		FROM generate_series(1, 100000) AS i`)
	cache := pgtest.New(t).Pool(t)
	s := mustOpen(t, config(t, w))
	r := mustRead(t, s, `SELECT q."id" AS "id", q."amount" AS "amount", q."name", q."part" FROM (SELECT * FROM sales) AS q`,
		column("id", "integer"),
		column("amount", "numeric(12,2)"),
		column("name", "character varying"),
		column("part", "smallint"))
	if _, err := load(t, cache, "sales", "id int, amount numeric(12,2), name text, part smallint", r); err != nil {
		t.Fatal(err, r.Err())
	}
	const sum = `SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM sales AS t`
	if got, want := mustText(t, cache, sum), mustText(t, w.Engine, sum); got != want || r.Rows() != 100000 || r.Err() != nil {
		t.Errorf("%d rows with sum %s, %v, want %s", r.Rows(), got, r.Err(), want)
	}
}

// Not parallel: what other tests allocate would count.
func TestReader_AllocatesNothingForRows(t *testing.T) {
	db := pgtest.New(t)
	admin := db.AdminPool(t)
	mustExec(t, admin, "CREATE FUNCTION getdate() RETURNS timestamp LANGUAGE sql AS 'SELECT localtimestamp'")
	s := mustOpen(t, session.Config{
		Host: db.Host, Port: db.Port, Database: db.Name, User: pgtest.Superuser, Password: db.SuperPassword, SSLMode: "disable",
	})
	bytes := column("b", "varbyte")
	bytes.Type.Stream.OID = 0 // PostgreSQL announces a text
	allocated := func(rows int) uint64 {
		r := mustRead(t, s, fmt.Sprintf(`
			SELECT i AS v, i * 1.25 AS n, 'text ' || i AS t, i * interval '1 hour' || '' AS d, to_hex(i + 1048576) AS b
			FROM generate_series(1, %d) AS i`, rows),
			number,
			column("n", "numeric(12,2)"),
			column("t", "text"),
			column("d", "interval"),
			bytes)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		r.Close()
		return after.Mallocs - before.Mallocs
	}
	allocated(1000) // the first time, buffers grow
	if n := allocated(100_000); n > 1000 {
		t.Errorf("100,000 rows made %d allocations", n)
	}
}
