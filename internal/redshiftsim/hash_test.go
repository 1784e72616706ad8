package redshiftsim_test

import (
	"hash/fnv"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// The values are those of Redshift's documentation.
func TestServer_HasTheTrueFNVHash(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	pool := pgtest.OpenPool(t, warehouse.UserURL())
	for expression, want := range map[string]int64{
		`fnv_hash(1::smallint)`:                    589727492704079044,
		`fnv_hash(1)`:                              -5968735742475085980,
		`fnv_hash(1::bigint)`:                      -8517097267634966620,
		`fnv_hash('Amazon Redshift')`:              7783490368944507294,
		`fnv_hash('Amazon Redshift', fnv_hash(1))`: -2202602717770968555,
		`fnv_hash('abcd'::varchar)`:                -281581062704388899,
		`fnv_hash('cd', fnv_hash('ab'))`:           -281581062704388899,
		`fnv_hash('')`:                             -3750763034362895579, // FNV's own seed
		`fnv_hash('', 7)`:                          7,
		// Blanks at the end count.
		`fnv_hash('a'::char(3))`: fnv1a("a  "),
		`fnv_hash('é ')`:         fnv1a("é "),
	} {
		var got int64
		if err := pool.QueryRow(t.Context(), "SELECT "+expression).Scan(&got); err != nil || got != want {
			t.Errorf("%s: got %d, %v, want %d", expression, got, err, want)
		}
	}
	var null bool
	err := pool.QueryRow(t.Context(), "SELECT fnv_hash(NULL::int) IS NULL AND fnv_hash(NULL::date, 7) IS NULL").Scan(&null)
	if err != nil || !null {
		t.Errorf("NULL has a hash, %v", err)
	}
}

func fnv1a(text string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return int64(h.Sum64())
}

// BenchmarkFNVHash hashes rows like those that tests fingerprint.
func BenchmarkFNVHash(b *testing.B) {
	warehouse := redshiftsim.For(b)
	pool := pgtest.OpenPool(b, warehouse.EngineURL)
	const rows = 100_000
	if _, err := pool.Exec(b.Context(), `CREATE TABLE sale AS
		SELECT n AS id, n % 7 AS region, 'customer ' || n AS name, n * 1.25 AS price, n % 2 = 0 AS paid,
			now()::timestamp AS at, current_date AS day, n::bigint AS big, 'x'::varchar AS flag
		FROM generate_series(1, $1) n`, rows); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := pool.Exec(b.Context(), `SELECT sum(
			fnv_hash(flag, fnv_hash(1, fnv_hash(big, fnv_hash(0, fnv_hash(day, fnv_hash(0, fnv_hash(at, fnv_hash(0,
			fnv_hash(paid, fnv_hash(0, fnv_hash(price, fnv_hash(0, fnv_hash(name, fnv_hash(9, fnv_hash(region, fnv_hash(0,
			fnv_hash(id, fnv_hash(0))))))))))))))))))::numeric) FROM sale`); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
