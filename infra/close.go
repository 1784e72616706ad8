package infra

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// closeLimit is how long the goodbyes may take.
const closeLimit = 500 * time.Millisecond

// ClosePool closes all connections when all work is over. A server that does not take a goodbye is not waited for: pgx would
// for 15 s, of a backend that hangs in dblink. That one rolls back when it finds that nobody is there any more.
func ClosePool(pool *pgxpool.Pool) {
	closed := make(chan struct{})
	go func() { // ends with the last backend's answer, or with the process
		defer close(closed)
		pool.Close()
	}()
	select {
	case <-closed:
	case <-time.After(closeLimit):
	}
}
