package redshiftsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestWarehouse_AnswersPgxAndDblink(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	pool := pgtest.OpenPool(t, warehouse.UserURL())
	var n int
	if err := pool.QueryRow(t.Context(), "SELECT 1 + $1::int", 2).Scan(&n); err != nil || n != 3 {
		t.Fatalf("got %d, %v", n, err)
	}
	cache := pgtest.New(t).Pool(t)
	err := cache.QueryRow(t.Context(), "SELECT n FROM dblink($1, $2) AS t(n int)", conninfo(warehouse), "select 7").Scan(&n)
	if err != nil || n != 7 {
		t.Fatalf("got %d, %v", n, err)
	}
}

func TestPrepare_TwiceAndAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	done := make(chan error)
	for range 3 {
		go func() { done <- redshiftsim.Prepare(t.Context(), db.AdminURL(db.Name)) }()
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := redshiftsim.Prepare(t.Context(), db.AdminURL(db.Name)); err != nil {
		t.Error(err)
	}
}

func TestStart_RefusesAnEngineThatIsNotPrepared(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	_, err := redshiftsim.Start(t.Context(), redshiftsim.Config{EngineURL: db.AdminURL(db.Name)})
	if err == nil || !strings.Contains(err.Error(), "run Prepare") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkServer_Rows reports how many rows a second pass, beside the engine itself.
func BenchmarkServer_Rows(b *testing.B) {
	warehouse := redshiftsim.For(b)
	const rows = 200_000
	for _, source := range []struct{ name, url string }{{"engine", warehouse.EngineURL}, {"stand-in", warehouse.UserURL()}} {
		b.Run(source.name, func(b *testing.B) {
			conn, err := pgx.Connect(b.Context(), source.url)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close(b.Context())
			for b.Loop() {
				reader := conn.PgConn().Exec(b.Context(), fmt.Sprintf(
					"SELECT n, 'name ' || n, n * 1.5, now() FROM generate_series(1, %d) n", rows))
				for reader.NextResult() {
					if _, err := reader.ResultReader().Close(); err != nil {
						b.Fatal(err)
					}
				}
				if err := reader.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// conninfo is the warehouse's address for libpq.
func conninfo(w *redshiftsim.Warehouse) string {
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(redshiftsim.Password)
	return fmt.Sprintf("host=%s port=%d dbname=%s user=%s password='%s' sslmode=verify-full sslrootcert=%s gssencmode=disable",
		w.Host(), w.Port(), w.Name, redshiftsim.User, quoted, w.CACert())
}
