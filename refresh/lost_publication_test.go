package refresh_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// severed is a network that breaks off, once, at the commit of what publishes a set: before the server hears of it, or for good,
// while the server answers.
type severed struct {
	mu      sync.Mutex
	due     map[string]bool // connections whose next commit it is, by their local addresses
	struck  bool            // it has happened
	forGood bool
}

type severedConn struct {
	net.Conn
	at *severed
}

// Write loses the commit.
func (c severedConn) Write(p []byte) (int, error) {
	if c.at.strikes(c.Conn, p) && !c.at.forGood {
		_ = c.Close()
		return 0, errGone
	}
	return c.Conn.Write(p)
}

// Read hears the answer, and does not tell it.
func (c severedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.at.over() {
		return 0, errGone
	}
	return n, err
}

var errGone = errors.New("the network is gone")

// over says whether nobody can be reached any more.
func (s *severed) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.struck && s.forGood
}

// pool is a pool over the network.
func (s *severed) pool(t *testing.T, config *pgxpool.Config) *pgxpool.Pool {
	t.Helper()
	config.ConnConfig.Tracer = s
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if s.over() {
			return nil, errGone
		}
		conn, err := dial(ctx, network, addr)
		return severedConn{conn, s}, err
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// strikes says whether this is the message.
func (s *severed) strikes(c net.Conn, p []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.struck || !s.due[c.LocalAddr().String()] || !bytes.Contains(p, []byte("commit\x00")) {
		return false
	}
	s.struck = true
	return true
}

// TraceQueryStart finds the commit.
func (s *severed) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if strings.Contains(data.SQL, "All views of a set point at what it has built") {
		s.due[conn.PgConn().Conn().LocalAddr().String()] = true
	}
	return ctx
}

// TraceQueryEnd does nothing.
func (*severed) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A change whose last commit is lost on the way has not taken effect: it is published again, and nothing is built again.
func TestAlter_PublishesAgainWhenItsCommitIsLost(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.StreamTransport)
	s := &severed{due: map[string]bool{}}
	pool := s.pool(t, b.pool.Config())
	run, err := refresh.NewDefiner(pool, refresh.NewRunner(pool, refresh.Config{Backoff: quick})).Alter(t.Context(), v.Name,
		func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, nil)
	if err != nil || run.State != catalog.Succeeded || !s.struck {
		t.Errorf("struck: %t; got %s, %v", s.struck, run.State, err)
	}
	if got := rows(t, b.pool, `SELECT generation, (SELECT count(*) FROM redcache.run) FROM redcache.copy`); got[0] != `"2" "2" ` {
		t.Errorf("readers see, and runs: %v", got)
	}
	b.wantNoSets(t)
	b.wantEqual(t, v)
	b.wantNothingLeft(t)
}

// Where nobody can be asked what became of a commit, nobody is told that it failed: the change may be in force, and here it is.
func TestAlter_SaysThatItMayBeInForce(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Swap, catalog.StreamTransport)
	s := &severed{due: map[string]bool{}, forGood: true}
	pool := s.pool(t, b.pool.Config())
	ctx := infra.WithGrace(t.Context(), 300*time.Millisecond) // for each look at what became of it
	_, err := refresh.NewDefiner(pool, refresh.NewRunner(pool, refresh.Config{Backoff: quick})).Alter(ctx, v.Name,
		func(v *catalog.View) error { v.Indexes = []string{"batch"}; return nil }, false, nil)
	if !errors.Is(err, infra.ErrOutcomeUnknown) || !strings.Contains(infra.Hint(err), "It may be in force") || !s.struck {
		t.Errorf("struck: %t; %v\nhint: %s", s.struck, err, infra.Hint(err))
	}
	if got := rows(t, b.pool, `SELECT generation FROM redcache.copy`); got[0] != `"2" ` {
		t.Errorf("readers see: %v", got)
	}
	b.wantEqual(t, v)
}
