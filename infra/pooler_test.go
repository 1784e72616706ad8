package infra_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestOpenPool_SaysWhatToDoAboutAPooler(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pooler := pgtest.PoolerFor(t, db.Cluster, pgtest.PoolerConfig{})
	url := pooler.OwnerURL(db.Name)
	for name, c := range map[string]struct{ url, text, hint string }{
		"options":  {url + "&options=-csearch_path%3Dmine", "unsupported startup parameter: options", "no settings at login"},
		"setting":  {url + "&work_mem=64MB", "unsupported startup parameter: work_mem", "no settings at login"},
		"password": {pooler.URL(db.Name, pgtest.Owner, "wrong"), "authentication failed", "user and password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: c.url})
			wantHinted(t, err, c.text, c.hint)
		})
	}
}

func TestInTx_SaysWhatToDoAboutAPooler(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for name, c := range map[string]struct {
		cfg        pgtest.PoolerConfig
		text, hint string
	}{
		"statement mode": {pgtest.PoolerConfig{Mode: "statement"}, "not allowed", "pool_mode = transaction"},
		"nothing left": {
			pgtest.PoolerConfig{Size: 1, Settings: map[string]string{"query_wait_timeout": "1"}},
			"query_wait_timeout", "default_pool_size",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pooler := pgtest.PoolerFor(t, db.Cluster, c.cfg)
			pool, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: pooler.OwnerURL(db.Name)})
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			nested := func(pgx.Tx) error {
				return infra.InTx(t.Context(), pool, infra.Limits{}, func(pgx.Tx) error { return nil })
			}
			wantHinted(t, infra.InTx(t.Context(), pool, infra.Limits{}, nested), c.text, c.hint)
		})
	}
}

func wantHinted(t *testing.T, err error, text, hint string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(infra.Hint(err), hint) {
		t.Errorf("got %v, hint %q, want %s, hint %s", err, infra.Hint(err), text, hint)
	}
}
