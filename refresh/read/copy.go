package read

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
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

// copied is what is planned for rows that a server returns for a statement.
func copied(server, statement string, q Query, table string) string {
	return "-- from what " + server + " returns for:\n-- " + strings.ReplaceAll(infra.PrintableLines(statement), "\n", "\n-- ") + "\n" +
		copySQL(q, table)
}

func copySQL(q Query, table string) string {
	return fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary, FREEZE)", table, q.columnList())
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
