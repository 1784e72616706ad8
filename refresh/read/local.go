package read

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// local is a session of the cache database itself, in one snapshot that only reads: what a query reads in it, and how old
// that is, is of one moment, whatever is switched meanwhile. It reads the generations of its inputs and not the views over
// them, so that it never holds up a switch.
type local struct {
	tx     pgx.Tx
	end    func()
	inputs map[catalog.Name]catalog.Input
}

// Local opens a session for local queries over some views: those of a set that is being built, and else those that readers
// see.
func Local(ctx context.Context, cache infra.Beginner, limit time.Duration, names []catalog.Name, set int32) (Session, error) {
	const enough = 3
	for n := 1; ; n++ {
		s, err := localOnce(ctx, cache, limit, names, set)
		if gone := (*pgconn.PgError)(nil); !errors.As(err, &gone) || gone.Code != undefinedTable || n >= enough {
			return s, err
		}
	}
}

// undefinedTable is the SQLSTATE of a relation that is gone: a switch and a clean-up have come between the look at the catalog
// and the first look at the rows.
const undefinedTable = "42P01"

func localOnce(ctx context.Context, cache infra.Beginner, limit time.Duration, names []catalog.Name, set int32) (Session, error) {
	tx, end, err := infra.Snapshot(ctx, cache, infra.Limits{Statement: limit, Idle: -1})
	if err != nil {
		return nil, err
	}
	s, err := LocalIn(ctx, tx, names, set)
	if err == nil {
		err = s.hold(ctx)
	}
	if err != nil {
		end()
		return nil, err
	}
	s.end = end
	return s, nil
}

// LocalIn is a session in a transaction that somebody else ends.
func LocalIn(ctx context.Context, tx pgx.Tx, names []catalog.Name, set int32) (local, error) {
	inputs, err := catalog.In(tx).Inputs(ctx, names, set)
	return local{tx, func() {}, inputs}, err
}

// hold keeps the inputs' generations from being dropped before they are read, as a reader does.
func (s local) hold(ctx context.Context) error {
	for name, input := range s.inputs {
		if input.Rowless {
			continue
		}
		if _, err := s.tx.Exec(ctx, "SELECT FROM "+sql.Ident(catalog.DataSchema, input.Relation)+" LIMIT 0"); err != nil {
			return infra.Hinted(fmt.Errorf("its input %s: %w", name, err),
				"Refresh the input first: that makes again what somebody has dropped, moved or emptied.")
		}
	}
	return nil
}

func (s local) Transport() catalog.Transport { return catalog.LocalTransport }

func (s local) Clock() string { return "" }

// AsOf is that of the oldest input.
func (s local) AsOf(clock time.Time) time.Time {
	for _, input := range s.inputs {
		if !input.Rowless && input.AsOf.Before(clock) {
			clock = *input.AsOf
		}
	}
	return clock
}

// Begin has nothing to begin: all that the session does is of one moment.
func (s local) Begin(context.Context) error { return nil }

func (s local) Commit(context.Context) error { return nil }

func (s local) Close(context.Context) error {
	s.end()
	return nil
}

// Watch has nothing to do: a statement ends with its context.
func (s local) Watch(context.Context) func(error) error { return func(error) error { return nil } }

func (s local) Splits(Query) bool { return false }

func (s local) Selects() bool { return false }

func (s local) Select(q Query) (string, error) {
	source := catalog.Source{Query: q.Text, References: q.Inputs}
	where := ""
	if q.Where != "" {
		where = " WHERE " + q.Where
	}
	with := ""
	if rowless := s.rowless(source, map[catalog.Name]bool{}); rowless != nil {
		with = "WITH " + strings.Join(rowless, ", ") + "\n"
	}
	return fmt.Sprintf("%sSELECT %s FROM (\n%s\n) AS q%s", with, q.columnList(), s.written(source), where), nil
}

// written is a query over what its inputs are in this snapshot.
func (s local) written(source catalog.Source) string {
	return source.Written(func(name catalog.Name) string {
		input := s.inputs[name]
		if input.Rowless {
			return sql.Ident("redcache_" + input.Relation)
		}
		return sql.Ident(catalog.DataSchema, input.Relation)
	})
}

// rowless has the queries of the inputs that have no rows, and of theirs, each once and behind those that it reads, as WITH
// wants them: the views themselves read what readers see, whose switches they would hold up.
func (s local) rowless(source catalog.Source, done map[catalog.Name]bool) (with []string) {
	for _, name := range source.Inputs() {
		input := s.inputs[name]
		if !input.Rowless || done[name] {
			continue
		}
		done[name] = true
		with = append(with, s.rowless(*input.Source, done)...)
		with = append(with, fmt.Sprintf("%s AS NOT MATERIALIZED (\n%s\n)", sql.Ident("redcache_"+input.Relation), s.written(*input.Source)))
	}
	return with
}

func (s local) Plan(q Query, table string) (string, error) {
	text, err := s.Select(q)
	return copied("this database", text, q, table), err
}

// Load hands the rows from the snapshot on to the transaction that writes, which sees another moment.
func (s local) Load(ctx context.Context, tx pgx.Tx, q Query, table string) (Loaded, error) {
	text, err := s.Select(q)
	if err != nil {
		return Loaded{}, err
	}
	return copyRows(ctx, tx, q, s.rows(ctx, text), table)
}

func (s local) Rows(ctx context.Context, text string, n int) (all [][]*string, err error) {
	rows, err := s.tx.Query(ctx, text, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]*string, error) {
		if got := len(row.FieldDescriptions()); got != n {
			return nil, fmt.Errorf("%d columns were returned, and %d are wanted", got, n)
		}
		values := make([]*string, n)
		for i, raw := range row.RawValues() {
			if raw != nil {
				text := string(raw)
				values[i] = &text
			}
		}
		return values, nil
	})
}

func (s local) Asker(context.Context, pgx.Tx) (*dblink.Session, func()) { return nil, nil }

// localRows are the rows of a query as a binary COPY.
type localRows struct {
	*io.PipeReader
	rows, bytes atomic.Int64
	done        chan struct{}
	err         error // once it is done
}

func (s local) rows(ctx context.Context, text string) *localRows {
	from, to := io.Pipe()
	r := &localRows{PipeReader: from, done: make(chan struct{})}
	go func() {
		defer close(r.done)
		tag, err := s.tx.Conn().PgConn().CopyTo(ctx, counted{to, &r.bytes}, "COPY ("+text+") TO STDOUT (FORMAT binary)")
		if !errors.Is(err, io.ErrClosedPipe) { // else the other side has failed
			r.err = err
		}
		r.rows.Store(tag.RowsAffected())
		to.CloseWithError(err)
	}()
	return r
}

func (r *localRows) Rows() int64 {
	<-r.done
	return r.rows.Load()
}

func (r *localRows) Bytes() int64 { return r.bytes.Load() }

// Err is why reading ended early, once the other side is done with it.
func (r *localRows) Err() error {
	_ = r.PipeReader.Close()
	<-r.done
	return r.err
}

func (r *localRows) Close() { _ = r.PipeReader.Close() }

// counted counts what is written.
type counted struct {
	io.Writer
	bytes *atomic.Int64
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}
