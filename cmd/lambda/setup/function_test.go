package setup_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redcache/redcache/cmd/lambda/setup"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// relay stands before a server until it falls silent: its connections stay, and nothing passes any more.
type relay struct {
	net.Listener
	silent atomic.Bool
	end    context.Context //nolint:containedctx // of the test
}

func relayTo(t *testing.T, address string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	end, stop := context.WithCancel(context.Background())
	r := &relay{Listener: listener, end: end}
	t.Cleanup(func() { stop(); _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("tcp", address)
			if err != nil {
				_ = client.Close()
				continue
			}
			go r.pass(client, server)
			go r.pass(server, client)
		}
	}()
	return r
}

func (r *relay) pass(to io.WriteCloser, from io.ReadCloser) {
	defer func() { _, _ = to.Close(), from.Close() }()
	some := make([]byte, 4096)
	for {
		n, err := from.Read(some)
		if r.silent.Load() {
			<-r.end.Done()
			return
		}
		if err != nil {
			return
		}
		if _, err := to.Write(some[:n]); err != nil {
			return
		}
	}
}

// Lambda kills a function half a second after it has told it to stop. A cache database that answers nothing, not even a goodbye, is
// not waited for, whether an invocation was under way or not.
func TestFunction_StopsInTimeBesideASilentDatabase(t *testing.T) {
	t.Parallel()
	for _, busy := range []bool{false, true} {
		t.Run("busy "+strconv.FormatBool(busy), func(t *testing.T) {
			t.Parallel()
			db := cachetest.New(t)
			r := relayTo(t, net.JoinHostPort(db.Host, strconv.Itoa(db.Port)))
			through, err := url.Parse(db.URL)
			if err != nil {
				t.Fatal(err)
			}
			through.Host = r.Addr().String()
			f, err := setup.New(setup.Config{DatabaseConfig: infra.DatabaseConfig{URL: through.String(), MaxConns: 3}, LogLevel: "error"}, io.Discard, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second) // an invocation's: half of what is left goes for a cancel
			defer cancel()
			connected, left := make(chan struct{}), make(chan error, 1)
			go func() {
				_, err := f.Invoke(ctx, []byte(`{}`), func(ctx context.Context, _ json.RawMessage) (any, error) {
					pool, err := f.Pool(ctx)
					if err != nil {
						return nil, err
					}
					close(connected)
					if busy {
						_, err = pool.Exec(ctx, `SELECT pg_sleep(60) /* the work */`)
					}
					return nil, err
				})
				left <- err
			}()
			<-connected
			if busy {
				awaitWork(t, db)
			} else {
				if err := <-left; err != nil {
					t.Fatal(err)
				}
			}
			r.silent.Store(true)
			began := time.Now()
			if got := f.Stop(); got != busy {
				t.Errorf("it was busy: %v, want %v", got, busy)
			}
			const most = 9 * time.Second // the goodbyes have half a second, and pgx would wait for 15; a busy machine needs more
			if took := time.Since(began); took > most {
				t.Errorf("it took %s to stop", took)
			}
		})
	}
}

// awaitWork waits until the work of an invocation is under way.
func awaitWork(t *testing.T, db *pgtest.Database) {
	t.Helper()
	pool, count := db.AdminPool(t), 0
	for end := time.Now().Add(time.Minute); count == 0 && time.Now().Before(end); {
		if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity, pg_sleep(0.01)
			WHERE datname = current_database() AND query LIKE '%/* the work */%' AND pid <> pg_backend_pid()`).Scan(&count); err != nil {
			t.Fatal(err)
		}
	}
	if count == 0 {
		t.Fatal("the work does not begin")
	}
}
