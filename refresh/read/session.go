package read

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// Session is an open session on Redshift, by one transport.
type Session interface {
	redshift.Source
	Transport() catalog.Transport
	Clock() string // the remote's, when the session was opened
	// AsOf is the moment before which every remote commit is seen, where clock was read before the session was opened.
	AsOf(clock time.Time) time.Time
	Begin(ctx context.Context) error  // a snapshot: what is read until Commit is from one moment
	Commit(ctx context.Context) error // ends the snapshot
	// Close ends the session. What it returns is an error that the transaction must not go on with.
	Close(ctx context.Context) error

	// Watch makes the end of ctx end what the session does on Redshift, until stop is called with what came of it; that
	// returns an *infra.StillRunning where it is not known to have ended.
	Watch(ctx context.Context) (stop func(error) error)
	// Splits says whether a load of the query is shared by several sessions, which then have to see one moment.
	Splits(q Query) bool
	// Load reads what the query returns into a table of its columns. Rows that it could write as frozen are visible to
	// every snapshot; for that the table must have been made in the savepoint that tx is.
	Load(ctx context.Context, tx pgx.Tx, q Query, table string) (Loaded, error)
	// Plan is the statement by which Load would do so.
	Plan(q Query, table string) (string, error)
	// Selects says whether PostgreSQL itself can select the rows, by the statement that Select returns.
	Selects() bool
	Select(q Query) (string, error)
	// Asker returns a session that can be asked for examples after a failure, nil when there is none.
	Asker(ctx context.Context, tx pgx.Tx) (s *dblink.Session, done func())
}

// Query is what is to be read.
type Query struct {
	Text     string
	Inputs   []catalog.Reference // where Text names views of the cache, if it does
	Columns  []redshift.Column
	Where    string // a condition that knows the query's columns under the alias q; empty: none
	NulBytes catalog.NulBytes
	Split    Split
}

// Split is a column by whose ranges a read is shared by several sessions. The zero value is none.
type Split struct {
	Column   string
	Type     redshift.Type
	Sessions int
}

// Loaded is what a load has brought.
type Loaded struct {
	Rows    int64
	Bytes   *int64 // that came through this process
	Frozen  bool
	Remarks []error // what was out of the ordinary
}

// columnList is the query's columns as a list in a statement of PostgreSQL's.
func (q Query) columnList() string {
	names := redshift.Names(q.Columns)
	for i, name := range names {
		names[i] = sql.Ident(name)
	}
	return strings.Join(names, ", ")
}

func wrap(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
