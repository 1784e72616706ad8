package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/schedule"
)

// stuck is how old the loop's last turn is when the process is no longer of any use.
const stuck = time.Minute

const keyAddress = "address"

// serveHealth answers GET /healthz with 200 while the loop turns, or ctx has ended and it stops, and with 503 when it
// is stuck. A database that is out of reach is no reason to restart a worker, so it is none for a 503. The caller must
// call the returned function.
func serveHealth(ctx context.Context, address string, loop *schedule.Loop, log *slog.Logger) (stop func(), err error) {
	if address == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, infra.Hinted(fmt.Errorf("listen on %s_HEALTH_ADDR: %w", prefix, err),
			"Give each process on a machine a port of its own, which it may listen on.")
	}
	log.InfoContext(ctx, "health is served", keyAddress, listener.Addr().String())
	started := time.Now()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		last := loop.LastTurn()
		if last.IsZero() {
			last = started
		}
		if age := time.Since(last); age > stuck && ctx.Err() == nil {
			http.Error(w, fmt.Sprintf("the loop last turned %s ago", age), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener) // ErrServerClosed, or the port is lost and the probe says so
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx) // a probe that hangs does not delay the end
		<-done
	}, nil
}
