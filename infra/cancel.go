package infra

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

const (
	// cancelGrace is how long a statement may take to end after its context did. Then the connection is given up.
	cancelGrace = 5 * time.Second
	// cancelAgain is the pause between two cancel requests.
	cancelAgain = 500 * time.Millisecond
)

// canceller makes the end of a context cancel the statement on the server, so that nothing goes on there for nobody and
// the connection stays good for the rollback. It asks more than once: a dblink call that is cancelled first reads the
// rest of its remote result, however long that takes, and only the next request makes it stop that as well.
type canceller struct {
	conn *pgconn.PgConn
	stop chan struct{}
	done chan struct{}
}

func newCanceller(conn *pgconn.PgConn) ctxwatch.Handler { return &canceller{conn: conn} }

// HandleCancel begins to ask.
func (c *canceller) HandleCancel(ctx context.Context) {
	deadline := time.Now().Add(Grace(ctx, cancelGrace))
	_ = c.conn.Conn().SetDeadline(deadline) // fails only on a closed connection
	c.stop, c.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(c.done)
		c.ask(deadline)
	}()
}

// ask asks until it is stopped, or the deadline is over. A request is never broken off: that its connection ends is how
// the server says that the signal was sent, and a later signal would meet the next statement of the session. What is
// more, PgBouncer 1.18 to 1.20 dies ("bad client state") when a client goes whose request it is just passing on.
func (c *canceller) ask(deadline time.Time) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	again := time.NewTicker(cancelAgain)
	defer again.Stop()
	for {
		_ = c.conn.CancelRequest(ctx) // a server that cannot be asked is left to the deadline
		select {
		case <-c.stop:
			return
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// HandleUnwatchAfterCancel waits until no request is on its way any more, and gives the connection back.
func (c *canceller) HandleUnwatchAfterCancel() {
	close(c.stop)
	<-c.done
	_ = c.conn.Conn().SetDeadline(time.Time{}) // fails only on a closed connection
}
