package redshiftsim_test

import (
	"fmt"
	"strings"
	"testing"

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

// conninfo is the warehouse's address for libpq.
func conninfo(w *redshiftsim.Warehouse) string {
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(redshiftsim.Password)
	return fmt.Sprintf("host=%s port=%d dbname=%s user=%s password='%s' sslmode=verify-full sslrootcert=%s gssencmode=disable",
		w.Host(), w.Port(), w.Name, redshiftsim.User, quoted, w.CACert())
}
