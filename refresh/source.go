package refresh

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// source is an open session on Redshift, by one transport or the other.
type source interface {
	redshift.Source
	Clock() string                    // the remote's, when the session was opened
	Begin(ctx context.Context) error  // a snapshot: what is read until Commit is from one moment
	Commit(ctx context.Context) error // ends the snapshot
	Close(ctx context.Context) error

	transport() catalog.Transport
	// watch makes the end of ctx end what the session does on Redshift, until stop is called with what came of it; that
	// returns an *infra.StillRunning where it is not known to have ended.
	watch(ctx context.Context) (stop func(error) error)
	// load reads what the query returns where the condition holds, into a table of the view's columns. Rows that it
	// could write as frozen are visible to every snapshot; for that the table must have been made in the savepoint that
	// w.tx is.
	load(ctx context.Context, w *work, where, table string) (loaded, error)
}

// loaded is what a load has brought.
type loaded struct {
	rows   int64
	bytes  *int64 // that came through this process
	frozen bool
}

// dblinkSource is the session that PostgreSQL has, in the backend of the transaction.
type dblinkSource struct {
	*dblink.Session
	cache infra.Beginner // cancels, from another backend
}

func (s dblinkSource) transport() catalog.Transport { return catalog.DblinkTransport }

func (s dblinkSource) watch(ctx context.Context) func(error) error {
	return dblink.Watch(ctx, s.cache, s.Session)
}

func (s dblinkSource) load(ctx context.Context, w *work, where, table string) (loaded, error) {
	text, err := w.dblinkSelect(s.Schema(), where)
	if err != nil {
		return loaded{}, err
	}
	tag, err := w.tx.Exec(ctx, insertSelect(table, w.names(), text))
	return loaded{rows: tag.RowsAffected()}, wrap(err, "load rows")
}

func insertSelect(table string, columns []string, text string) string {
	return fmt.Sprintf("INSERT INTO %s (%s)\n%s", table, identList("", columns), text)
}

// dblinkSelect is the local statement that reads the view's query through dblink.
func (w *work) dblinkSelect(schema, where string) (string, error) {
	remote, err := redshift.Select(w.columns, w.view.Query, where, w.view.TextPolicy())
	if err != nil {
		return "", err
	}
	return dblink.Select(schema, w.view.Link.Server().Name, w.columns, remote), nil
}

// streamSource is a session of this process's own. What it reads it hands to PostgreSQL as a COPY.
type streamSource struct {
	*session.Session
	another func(ctx context.Context) (*session.Session, error) // opens one more, with the same login and settings
}

func (s streamSource) transport() catalog.Transport { return catalog.StreamTransport }

func (s streamSource) Begin(ctx context.Context) error { return s.Exec(ctx, redshift.BeginSnapshot) }

func (s streamSource) Commit(ctx context.Context) error { return s.Exec(ctx, redshift.EndSnapshot) }

// watch has little to do: whoever reads does it on ctx, whose end the session passes on to Redshift, and its error says
// what came of that.
func (s streamSource) watch(context.Context) func(error) error {
	return func(err error) error {
		if running, ok := errors.AsType[*infra.StillRunning](err); ok {
			return running
		}
		return nil
	}
}

func (s streamSource) load(ctx context.Context, w *work, where, table string) (loaded, error) {
	if w.asksForSplit() && where == "" {
		got, err := s.tryLoadSplit(ctx, w, table)
		if refused := (*notSplitError)(nil); !errors.As(err, &refused) {
			return got, err
		}
		w.remarkOn(err)
	}
	rows, err := read(ctx, s.Session, w, where)
	if err != nil {
		return loaded{}, err
	}
	return copyRows(ctx, w, rows, table)
}

// read begins to read what the query returns where the condition holds.
func read(ctx context.Context, s *session.Session, w *work, where string) (*session.Reader, error) {
	text, err := w.streamSelect(where)
	if err != nil {
		return nil, err
	}
	rows, err := s.Read(ctx, text, w.streamColumns(), w.nulPolicy())
	return rows, wrap(err, "read rows")
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
func copyRows(ctx context.Context, w *work, rows rowReader, table string) (loaded, error) {
	defer rows.Close()
	tag, err := w.tx.Conn().PgConn().CopyFrom(ctx, rows, copySQL(table, w.names()))
	if remote := rows.Err(); remote != nil {
		return loaded{}, wrap(remote, "read rows") // PostgreSQL only knows that the copy broke off
	}
	if err == nil && tag.RowsAffected() != rows.Rows() {
		err = fmt.Errorf("%d rows were read, and %d written", rows.Rows(), tag.RowsAffected())
	}
	bytes := rows.Bytes()
	return loaded{rows: tag.RowsAffected(), bytes: &bytes, frozen: true}, wrap(err, "load rows")
}

func copySQL(table string, columns []string) string {
	return fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary, FREEZE)", table, identList("", columns))
}

// streamSelect is the statement for Redshift. Zero bytes travel: this process takes them out, or PostgreSQL refuses
// them; nothing on the way would cut a text. Floats travel in their binary form.
func (w *work) streamSelect(where string) (string, error) {
	return redshift.Select(w.columns, w.view.Query, where, redshift.TrustText)
}

func (w *work) streamColumns() []redshift.Column {
	columns := make([]redshift.Column, len(w.columns))
	for i, c := range w.columns {
		columns[i] = redshift.Column{Name: c.Name, Type: redshift.Type{Remote: c.Type.Remote, Local: c.Type.Local}}
	}
	return columns
}

func (w *work) nulPolicy() session.NulPolicy {
	if w.view.NulBytes == catalog.TrustNul {
		return session.TrustText
	}
	return session.StripNUL
}
