package dblink

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cancel ends the statement that a remote session is running, see [Session.PID]. It uses a short connection of its
// own, and must run in another backend than the session's, which waits for that statement. A session that is idle or
// gone is no error.
func Cancel(ctx context.Context, tx pgx.Tx, server string, pid int) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cancel session %d of link %s: %w", pid, server, err)
		}
	}()
	schema, err := Extensions(ctx, tx)
	if err != nil {
		return err
	}
	name := "redcache cancel " + strconv.Itoa(pid)
	if err := disconnect(ctx, tx, schema, name); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, "SELECT "+Ident(schema, "dblink_connect")+
		"($1, s.srvname) FROM pg_catalog.pg_foreign_server s WHERE s.srvname = $2", name, server)
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return ErrNoServer
	}
	_, err = tx.Exec(ctx, "SELECT t.done FROM "+Ident(schema, "dblink")+"($1, $2) AS t(done boolean)",
		name, "SELECT pg_cancel_backend("+strconv.Itoa(pid)+")")
	return errors.Join(err, disconnect(context.WithoutCancel(ctx), tx, schema, name))
}

// Beginner starts a transaction in a backend of its own: a pool.
type Beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

const (
	// cancelTimeout limits one attempt to cancel. The link's own connect timeout is part of it.
	cancelTimeout = 30 * time.Second
	// cancelAgain is when to try again: a statement that had not quite started when it was canceled runs on.
	cancelAgain = time.Second
)

// Watch makes the end of ctx end what the session's backend is doing, here and on Redshift: cancelling the local
// statement alone does not, see the package's comment. The statements to be watched must run on a context that goes
// on, such as [context.WithoutCancel]'s. The caller must call stop when they have returned; stop waits for an attempt
// that is under way and returns its error.
func Watch(ctx context.Context, cache Beginner, s *Session) (stop func() error) {
	w := &watch{cache: cache, server: s.server, remote: s.pid, local: s.tx.Conn().PgConn().PID()}
	returned := make(chan struct{})
	ended := make(chan error, 1)
	release := context.AfterFunc(ctx, func() { ended <- w.cancelUntil(context.WithoutCancel(ctx), returned) })
	return func() error {
		close(returned)
		if release() {
			return nil
		}
		return <-ended
	}
}

type watch struct {
	cache  Beginner
	server string
	local  uint32 // process ids
	remote int
}

func (w *watch) cancelUntil(ctx context.Context, returned <-chan struct{}) error {
	for {
		err := w.cancel(ctx)
		select {
		case <-returned:
			return err
		case <-time.After(cancelAgain):
		}
	}
}

// cancel ends local work first: from then on the backend only waits for Redshift, if for anything.
func (w *watch) cancel(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, cancelTimeout)
	defer done()
	return pgx.BeginFunc(ctx, w.cache, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_catalog.pg_cancel_backend($1)", w.local); err != nil {
			return fmt.Errorf("cancel backend %d: %w", w.local, err)
		}
		return Cancel(ctx, tx, w.server, w.remote)
	})
}
