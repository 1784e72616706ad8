package refresh

import (
	"context"
	"fmt"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/redshift"
)

// wantsSplit says whether the read is one that several sessions may share.
func (w *work) wantsSplit() bool {
	return w.view.Split != "" && w.view.Sessions > 1 && w.whole &&
		w.source.transport() == catalog.StreamTransport && w.strategy != catalog.Incremental
}

// part is one range of a split read.
type part struct {
	session *redshift.Session
	where   string
}

// split opens more sessions and gives each a range of the column. Redshift lets no session take over another one's
// snapshot, so the sessions are asked what they see: only when all see the same content may their rows be put together.
// Whatever stands against that is a reason to read everything through the first session, and no failure.
func (s streamSource) split(ctx context.Context, w *work) (parts []part) {
	parts, err := s.trySplit(ctx, w)
	if err != nil {
		closeParts(ctx, parts)
		w.remark("read through one session: " + infra.Message(err))
		return nil
	}
	return parts
}

func (s streamSource) trySplit(ctx context.Context, w *work) ([]part, error) {
	link := w.view.Link
	extra, err := lock.MoreSlots(ctx, w.tx, link.ID, link.MaxConcurrency, w.slot, w.view.Sessions-1)
	if err != nil {
		return nil, err
	}
	if extra == 0 {
		return nil, fmt.Errorf("all slots of link %s are taken", link.Name)
	}
	ranges, err := s.ranges(ctx, w, extra+1)
	if err != nil {
		return nil, err
	}
	parts := []part{{s.Session, ranges[0]}}
	content, err := w.contentOf(ctx, s.Session)
	if err != nil {
		return parts, err
	}
	for _, where := range ranges[1:] {
		session, err := s.another(ctx)
		if err != nil {
			return parts, err
		}
		parts = append(parts, part{session, where})
		if err := session.Exec(ctx, dblink.BeginSnapshot); err != nil {
			return parts, err
		}
		other, err := w.contentOf(ctx, session)
		if err != nil {
			return parts, err
		}
		if other != content {
			return parts, fmt.Errorf("the source changed while the others were opened")
		}
	}
	return parts, nil
}

func (w *work) contentOf(ctx context.Context, s *redshift.Session) (string, error) {
	return dblink.Fingerprint(ctx, s, w.columns, w.view.Query, w.view.Watermark)
}

// ranges are conditions that share the rows out, each row to one of them.
func (s streamSource) ranges(ctx context.Context, w *work, n int) ([]string, error) {
	column, err := dblink.RemoteIdent(w.view.Split)
	if err != nil {
		return nil, err
	}
	ends, err := s.Rows(ctx, dblink.RangeSQL(w.view.Query, column), 2)
	if err != nil {
		return nil, err
	}
	if len(ends) != 1 || ends[0][0] == nil || ends[0][1] == nil {
		return nil, fmt.Errorf("column %s has no values", w.view.Split)
	}
	typ := w.view.SplitType()
	bounds, err := w.bordersBetween(ctx, typ, *ends[0][0], *ends[0][1], n)
	if err != nil {
		return nil, err
	}
	ranges := make([]string, n)
	for i := range ranges {
		switch {
		case i == 0:
			ranges[i] = fmt.Sprintf("q.%s < %s OR q.%s IS NULL", column, bounds[0], column)
		case i == n-1:
			ranges[i] = fmt.Sprintf("q.%s >= %s", column, bounds[i-1])
		default:
			ranges[i] = fmt.Sprintf("q.%s >= %s AND q.%s < %s", column, bounds[i-1], column, bounds[i])
		}
	}
	return ranges, nil
}

// bordersBetween are the n-1 values that divide a range evenly, as literals for Redshift.
func (w *work) bordersBetween(ctx context.Context, typ, low, high string, n int) ([]string, error) {
	step := "($1::text::%[1]s + ($2::text::%[1]s - $1::text::%[1]s) * i / $3::integer)" // dates and numbers
	if w.view.SplitKind() == catalog.TimeWatermark && typ != "date" {
		step = "($1::text::%[1]s + ($2::text::%[1]s - $1::text::%[1]s) * (i::float8 / $3::integer))"
	} else if typ != "date" {
		typ = rangeOf(typ).typ
	}
	rows, err := w.tx.Query(ctx, fmt.Sprintf("SELECT "+step+"::%[1]s::text FROM pg_catalog.generate_series(1, $3::integer - 1) i", typ),
		low, high, n)
	if err != nil {
		return nil, wrap(err, "divide range")
	}
	var borders []string
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return nil, wrap(err, "divide range")
		}
		literal, err := dblink.RemoteLiteral(value)
		if err != nil {
			return nil, err
		}
		borders = append(borders, literal+"::"+typ)
	}
	return borders, wrap(rows.Err(), "divide range")
}

// loadParts reads all parts at once into one table.
func (s streamSource) loadParts(ctx context.Context, w *work, parts []part, table string) (loaded, error) {
	defer closeParts(ctx, parts)
	var readers []*redshift.Reader
	for _, p := range parts {
		rows, err := read(ctx, p.session, w, p.where)
		if err != nil {
			redshift.Join(readers).Close()
			return loaded{}, err
		}
		readers = append(readers, rows)
	}
	w.remark(fmt.Sprintf("read through %d sessions", len(parts)))
	return copyRows(ctx, w, redshift.Join(readers), table)
}

// closeParts closes the sessions that were opened for the parts; the first is the job's.
func closeParts(ctx context.Context, parts []part) {
	if len(parts) == 0 {
		return
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	for _, p := range parts[1:] {
		_ = p.session.Close(ctx) // it ends with this process at the latest
	}
}
