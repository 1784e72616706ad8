package dblink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// Cancel ends the statement that a remote session is running, see [Session.PID]. It uses a short connection of its
// own, and must run in another backend than the session's, which waits for that statement. A session that is idle or
// gone is no error. Nothing is left open, and the transaction can go on, also after an error.
func Cancel(ctx context.Context, tx pgx.Tx, server string, pid int) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("cancel session %d of link %s: %w", pid, server, err)
		}
	}()
	schema, err := Home(ctx, tx)
	if err != nil {
		return err
	}
	name := "redcache cancel " + strconv.Itoa(pid)
	if err := disconnect(ctx, tx, schema, name); err != nil {
		return err
	}
	guard, err := tx.Begin(ctx) // so that a failure can still close the connection
	if err != nil {
		return err
	}
	err = cancelOver(ctx, guard, schema, name, server, pid)
	back(ctx, guard) // nothing of it was to be kept
	ctx, done := infra.Ending(ctx, cleanupLimit)
	defer done()
	return errors.Join(err, disconnect(ctx, tx, schema, name))
}

// cancelOver opens a connection of a name, and cancels over it.
func cancelOver(ctx context.Context, tx pgx.Tx, schema, name, server string, pid int) error {
	tag, err := tx.Exec(ctx, "SELECT "+Call(schema, "dblink_connect", "$1", "s.srvname")+
		" FROM pg_catalog.pg_foreign_server s WHERE s.srvname = $2::text", name, server)
	if err != nil {
		return explainCall(schema, missing(server, err))
	}
	if tag.RowsAffected() == 0 {
		return &missingError{server, ErrNoServer}
	}
	var done bool
	err = tx.QueryRow(ctx, "SELECT coalesce(t.done, false) FROM "+Call(schema, "dblink", "$1", "$2")+" AS t(done boolean)",
		name, "SELECT pg_cancel_backend("+strconv.Itoa(pid)+")").Scan(&done)
	if err == nil && !done {
		return errNoSignal
	}
	return err
}

// errNoSignal is a refusal without a reason.
var errNoSignal = errors.New("its pg_cancel_backend returned false: the session is gone, or may not be cancelled")

const (
	// cancelTimeout limits one attempt to cancel. The link's own connect timeout is part of it.
	cancelTimeout = 10 * time.Second
	// cancelAgain is when to try again: a statement that had not quite started when it was canceled runs on.
	cancelAgain = time.Second
)

// errUnanswered is what is known of a statement that does not end although Redshift took the request.
var errUnanswered = errors.New("it was asked to cancel it, and has not answered")

// Watch makes the end of ctx end what the session does on Redshift, where cancelling the local statement alone changes
// nothing, see the package's comment. The local statement is ended by whoever runs it on ctx. The caller must call
// stop when the session's statements have returned, and their savepoint is rolled back, with the error they came to. It
// ends the attempts to cancel, waits for them, and returns an [*infra.StillRunning] unless Redshift's statement is known to
// have ended.
func Watch(ctx context.Context, cache infra.Beginner, s *Session) (stop func(error) error) {
	attempts, end := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	release := context.AfterFunc(ctx, func() { ended <- cancelUntil(attempts, cache, s.server, s.pid) })
	return func(err error) error {
		if release() {
			end()
			return nil
		}
		over := err == nil || redshift.Relayed(err) || s.becomesIdle(ctx)
		end()
		failure := <-ended
		if over {
			return nil
		}
		return &infra.StillRunning{Err: cmp.Or(failure, errUnanswered)}
	}
}

// The local statement ends at once, and the request to Redshift may still be on its way then.
const (
	answerLimit = 2 * time.Second
	answerAgain = 50 * time.Millisecond
)

// becomesIdle tells whether Redshift answers all that the session asked it, in a while. A local statement that was
// cancelled leaves an answer behind that is still to come.
func (s *Session) becomesIdle(ctx context.Context) bool {
	ctx, done := infra.Ending(ctx, answerLimit)
	defer done()
	for {
		busy := 1
		err := s.tx.QueryRow(ctx, "SELECT "+Call(s.schema, "dblink_is_busy", "$1"), s.server).Scan(&busy)
		if err != nil || busy == 0 {
			return err == nil
		}
		if infra.Sleep(ctx, answerAgain) != nil {
			return false
		}
	}
}

// cancelUntil cancels again and again until ctx ends.
func cancelUntil(ctx context.Context, cache infra.Beginner, server string, pid int) (err error) {
	for worked := false; ; {
		attempt, done := context.WithTimeout(ctx, cancelTimeout)
		failure := infra.InTx(attempt, cache, infra.Limits{}, func(tx pgx.Tx) error {
			return Cancel(attempt, tx, server, pid)
		})
		done()
		if worked = worked || failure == nil; worked {
			err = nil
		} else if ctx.Err() == nil {
			err = failure
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(cancelAgain):
		}
	}
}
