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
	// cancelSettle is how long a request, sent by the server as a signal, may take to arrive. A later one would meet
	// the next statement of the session.
	cancelSettle = 100 * time.Millisecond
)

// canceller makes the end of a context cancel the statement on the server, so that nothing goes on there for nobody and
// the connection stays good for the rollback. It asks more than once: a dblink call that is cancelled first reads the
// rest of its remote result, however long that takes, and only the next request makes it stop that as well.
type canceller struct {
	conn *pgconn.PgConn
	stop context.CancelFunc
	done chan struct{}
}

func newCanceller(conn *pgconn.PgConn) ctxwatch.Handler { return &canceller{conn: conn} }

// HandleCancel begins to ask.
func (c *canceller) HandleCancel(context.Context) {
	deadline := time.Now().Add(cancelGrace)
	_ = c.conn.Conn().SetDeadline(deadline) // fails only on a closed connection
	ctx, stop := context.WithDeadline(context.Background(), deadline)
	c.stop, c.done = stop, make(chan struct{})
	go func() {
		defer close(c.done)
		for ctx.Err() == nil {
			_ = c.conn.CancelRequest(ctx) // a server that cannot be asked is left to the deadline
			time.Sleep(cancelSettle)
			select {
			case <-ctx.Done():
			case <-time.After(cancelAgain - cancelSettle):
			}
		}
	}()
}

// HandleUnwatchAfterCancel waits until no request is on its way any more, and gives the connection back.
func (c *canceller) HandleUnwatchAfterCancel() {
	c.stop()
	<-c.done
	_ = c.conn.Conn().SetDeadline(time.Time{}) // fails only on a closed connection
}
