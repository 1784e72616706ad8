package read

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

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
	return Loaded{Frozen: s.Transport() != catalog.DblinkTransport}, err
}
