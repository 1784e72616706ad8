package read

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// throughDblink is the session that PostgreSQL has, in the backend of the transaction.
type throughDblink struct {
	*dblink.Session
	tx    pgx.Tx         // in which it was opened
	cache infra.Beginner // cancels, from another backend
}

// Dblink is a session that was opened through dblink in tx. It is cancelled through cache.
func Dblink(s *dblink.Session, tx pgx.Tx, cache infra.Beginner) Session {
	return throughDblink{s, tx, cache}
}

func (s throughDblink) Transport() catalog.Transport { return catalog.DblinkTransport }

func (s throughDblink) AsOf(clock time.Time) time.Time { return clock }

func (s throughDblink) Watch(ctx context.Context) func(error) error {
	return dblink.Watch(ctx, s.cache, s.Session)
}

func (s throughDblink) Splits(Query) bool { return false }

func (s throughDblink) Selects() bool { return true }

func (s throughDblink) Select(q Query) (string, error) {
	return selectThrough(s.Schema(), s.Server(), q)
}

// SelectThrough is the local statement that reads a query through dblink, which lives in a schema, and a link.
func SelectThrough(schema string, link catalog.Link, q Query) (string, error) {
	return selectThrough(schema, link.Server().Name, q)
}

func selectThrough(schema, server string, q Query) (string, error) {
	policy := redshift.StripNUL
	if q.NulBytes == catalog.TrustNul {
		policy = redshift.KeepNUL
	}
	remote, err := redshift.Select(q.Columns, q.Text, q.Where, policy)
	if err != nil {
		return "", err
	}
	return dblink.Select(schema, server, q.Columns, remote), nil
}

func (s throughDblink) Plan(q Query, table string) (string, error) {
	text, err := s.Select(q)
	return fmt.Sprintf("INSERT INTO %s (%s)\n%s", table, q.columnList(), text), err
}

func (s throughDblink) Load(ctx context.Context, tx pgx.Tx, q Query, table string) (Loaded, error) {
	text, err := s.Plan(q, table)
	if err != nil {
		return Loaded{}, err
	}
	tag, err := tx.Exec(ctx, text)
	return Loaded{Rows: tag.RowsAffected()}, wrap(err, "load rows")
}

func (s throughDblink) Asker(context.Context, pgx.Tx) (*dblink.Session, func()) {
	return s.Session, func() {}
}

// Close closes the session, or else the connection to the backend that holds it: a pooler may hand the backend to
// somebody else.
func (s throughDblink) Close(ctx context.Context) error {
	err := s.Session.Close(ctx)
	if err != nil {
		_ = s.tx.Conn().Close(ctx)
	}
	return err
}
