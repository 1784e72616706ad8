package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
)

// A pool of one server connection serves two clients in turn, before and after the pooler was killed.
func TestPooler_SharesServerConnections(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]pgtest.PoolerConfig{"plain": {Size: 1}, "TLS": {Size: 1, TLS: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			pooler := pgtest.PoolerFor(t, db.Cluster, cfg)
			first := wantSameBackend(t, pooler.OwnerURL(db.Name))
			servers, err := pooler.Console(t.Context(), "SHOW SERVERS")
			if err != nil || len(servers) != 1 {
				t.Fatalf("got %d server connections, want 1, %v", len(servers), err)
			}
			if err := pooler.Halt(true); err != nil {
				t.Fatal(err)
			}
			if err := pooler.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			if again := wantSameBackend(t, pooler.OwnerURL(db.Name)); again == first {
				t.Error("the server connection outlived its pooler")
			}
			if err := pooler.Halt(false); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// wantSameBackend connects twice and wants both clients on one server connection, whose process id it returns.
func wantSameBackend(t *testing.T, url string) (pid int) {
	t.Helper()
	var pids [2]int
	for i := range pids {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		err = conn.QueryRow(t.Context(), "SELECT pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pids[i])
		if err != nil {
			t.Fatal(err)
		}
	}
	if pids[0] != pids[1] {
		t.Errorf("two clients are on the server connections %d and %d, want one", pids[0], pids[1])
	}
	return pids[0]
}
