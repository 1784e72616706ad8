package infra_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
)

// deafConn hears nothing any more once a commit is on its way.
type deafConn struct {
	net.Conn
	deaf atomic.Bool
}

func (c *deafConn) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("commit\x00")) {
		c.deaf.Store(true)
	}
	return c.Conn.Write(p)
}

func (c *deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.deaf.Load() {
		return 0, net.ErrClosed
	}
	return n, err
}

// A commit whose answer is lost with the network may have happened.
func TestInTx_KnowsThatAnAnswerIsLost(t *testing.T) {
	t.Parallel()
	_, pool := setupNote(t)
	config := pool.Config()
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &deafConn{Conn: conn}, err
	}
	lossy, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lossy.Close)
	err = infra.InTx(t.Context(), lossy, infra.Limits{}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SELECT 1`)
		return err
	})
	if !errors.Is(err, infra.ErrOutcomeUnknown) {
		t.Errorf("got %v", err)
	}
}
