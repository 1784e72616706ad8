package read

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// stream is a session of this process's own. What it reads it hands to PostgreSQL as a COPY.
type stream struct {
	*session.Session
	link     catalog.Link
	settings redshift.Settings
	slot     int                                                 // of the link, that the session has
	another  func(ctx context.Context) (*session.Session, error) // opens one more, with the same login and settings
}

func (s stream) Transport() catalog.Transport { return catalog.StreamTransport }

func (s stream) Begin(ctx context.Context) error { return s.Exec(ctx, redshift.BeginSnapshot) }

func (s stream) Commit(ctx context.Context) error { return s.Exec(ctx, redshift.EndSnapshot) }

// Watch has little to do: whoever reads does it on ctx, whose end the session passes on to Redshift, and its error says
// what came of that.
func (s stream) Watch(context.Context) func(error) error {
	return func(err error) error {
		if running, ok := errors.AsType[*infra.StillRunning](err); ok {
			return running
		}
		return nil
	}
}

// Close tells nobody of a failure: all has been read, and the session ends with this process at the latest.
func (s stream) Close(ctx context.Context) error {
	_ = s.Session.Close(ctx)
	return nil
}

func (s stream) Selects() bool { return false }

func (s stream) Select(Query) (string, error) {
	return "", errors.New("PostgreSQL cannot select what this process reads")
}

func (s stream) Splits(q Query) bool { return asksForSplit(q) && moves(q) == "" }

func (s stream) Load(ctx context.Context, tx pgx.Tx, q Query, table string) (Loaded, error) {
	if !asksForSplit(q) {
		return s.loadWhole(ctx, tx, q, table)
	}
	got, err := s.tryLoadSplit(ctx, tx, q, table)
	if refused := (*notSplitError)(nil); !errors.As(err, &refused) {
		return got, err
	}
	whole, wholeErr := s.loadWhole(ctx, tx, q, table)
	whole.Remarks = append(whole.Remarks, err)
	return whole, wholeErr
}

// loadWhole reads everything through one session.
func (s stream) loadWhole(ctx context.Context, tx pgx.Tx, q Query, table string) (Loaded, error) {
	text, err := streamSelect(q)
	if err != nil {
		return Loaded{}, err
	}
	rows, err := s.Read(ctx, text, q.Columns, nulPolicy(q))
	if err != nil {
		return Loaded{}, wrap(err, "read rows")
	}
	return copyRows(ctx, tx, q, rows, table)
}

// Plan shows what this process would send to Redshift itself as a comment: it is not for the cache database. Nothing in it
// may end the comment, as a carriage return would.
func (s stream) Plan(q Query, table string) (string, error) {
	remote, err := streamSelect(q)
	return "-- from what Redshift returns for:\n-- " + strings.ReplaceAll(infra.PrintableLines(remote), "\n", "\n-- ") + "\n" +
		copySQL(q, table), err
}

// likeStream is a session that plans what a stream would do, and does nothing of it.
type likeStream struct{ Session }

// AsStream returns a session that plans as a stream does, and asks what there is to ask through another one.
func AsStream(s Session) Session { return likeStream{s} }

func (likeStream) Transport() catalog.Transport { return catalog.StreamTransport }

func (likeStream) Selects() bool { return false }

func (likeStream) Plan(q Query, table string) (string, error) { return stream{}.Plan(q, table) }

// rehearsed is a session that reads nothing.
type rehearsed struct {
	Session
	note func(statement string)
}

// Rehearsed returns a session that asks what there is to ask through another one, and reads no rows: note is told the
// statement by which it would.
func Rehearsed(s Session, note func(statement string)) Session { return rehearsed{s, note} }

func (rehearsed) Begin(context.Context) error { return nil }

func (rehearsed) Commit(context.Context) error { return nil }

func (s rehearsed) Load(_ context.Context, _ pgx.Tx, q Query, table string) (Loaded, error) {
	text, err := s.Plan(q, table)
	s.note(text)
	return Loaded{Frozen: s.Transport() == catalog.StreamTransport}, err
}

// streamSelect is the statement for Redshift. Zero bytes travel: this process takes them out, or PostgreSQL refuses
// them; nothing on the way would cut a text. Floats travel in their binary form.
func streamSelect(q Query) (string, error) {
	return redshift.Select(q.Columns, q.Text, q.Where, redshift.TrustText)
}

func nulPolicy(q Query) session.NulPolicy {
	if q.NulBytes == catalog.TrustNul {
		return session.TrustText
	}
	return session.StripNUL
}

// Asker closes the session, which has been broken off in the midst of its rows, first: somebody who waits for its locks
// may be before the next session.
func (s stream) Asker(ctx context.Context, tx pgx.Tx) (*dblink.Session, func()) {
	_ = s.Close(ctx) // closed again, it says what was wrong
	asker, err := dblink.Open(ctx, tx, s.link.Server().Name, s.settings)
	if err != nil {
		return nil, nil
	}
	return asker, func() { _ = asker.Close(ctx) } // what is left of it goes with the next session of that name
}

// rowReader is a [session.Reader], or several as one.
type rowReader interface {
	io.Reader
	Rows() int64
	Bytes() int64
	Err() error
	Close()
}

// copyRows hands rows to PostgreSQL, and closes the reader.
func copyRows(ctx context.Context, tx pgx.Tx, q Query, rows rowReader, table string) (Loaded, error) {
	defer rows.Close()
	tag, err := tx.Conn().PgConn().CopyFrom(ctx, rows, copySQL(q, table))
	if remote := rows.Err(); remote != nil {
		return Loaded{}, wrap(remote, "read rows") // PostgreSQL only knows that the copy broke off
	}
	if err == nil && tag.RowsAffected() != rows.Rows() {
		err = fmt.Errorf("%d rows were read, and %d written", rows.Rows(), tag.RowsAffected())
	}
	bytes := rows.Bytes()
	return Loaded{Rows: tag.RowsAffected(), Bytes: &bytes, Frozen: true}, wrap(err, "load rows")
}

func copySQL(q Query, table string) string {
	return fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary, FREEZE)", table, q.columnList())
}
