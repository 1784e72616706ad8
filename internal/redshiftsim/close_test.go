package redshiftsim_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// Not parallel: while it runs nothing else does, so that what it finds is its own.
func TestServer_CloseLeavesNothing(t *testing.T) {
	warehouse := redshiftsim.For(t)
	before := goleak.IgnoreCurrent()
	server, err := redshiftsim.Start(t.Context(), redshiftsim.Config{
		EngineURL: warehouse.EngineURL, Users: map[string]string{"cache_ro": "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	var running []<-chan error
	for _, sql := range []string{"SELECT 1", "SELECT count(*) FROM generate_series(1, 100000000000)", "SELECT * FROM generate_series(1, 100000)"} {
		conn, err := pgx.Connect(t.Context(), server.URL("dev", "cache_ro", "x"))
		if err != nil {
			t.Fatal(err)
		}
		running = append(running, start(t, conn, sql))
	}
	await(t, func() bool { return len(server.Statements()) == len(running) })
	server.Stall(true)
	stalled, err := net.Dial("tcp", net.JoinHostPort(server.Host(), strconv.Itoa(server.Port())))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	for _, done := range running {
		<-done
	}
	_ = stalled.Close()
	goleak.VerifyNone(t, before)
}
