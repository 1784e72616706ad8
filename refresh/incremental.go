package refresh

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
)

// bounds are what an incremental read is limited to, as text of the watermark's type.
type bounds struct {
	low  *string // rows from here on are read, and rows without a watermark; nil reads everything
	high *string // rows up to here are read; nil means no limit
	// ceiling is how far the watermark may move: the remote clock. A row from the future is read, again and again
	// until its time has come, but never moves the watermark over rows that are yet to be written.
	ceiling *string
}

// fillIncremental reads what lies past the watermark and writes what differs.
func fillIncremental(ctx context.Context, w *work) (catalog.Outcome, error) {
	b, err := w.bounds(ctx)
	if err != nil {
		return catalog.Outcome{}, err
	}
	o := catalog.Outcome{AsOf: w.asOf.Add(-w.view.SafetyLag), Whole: b.low == nil}
	fetch, err := w.fetchSQL(ctx, b, &o)
	if err != nil {
		return catalog.Outcome{}, err
	}
	if err := w.moreMemory(ctx, "work_mem"); err != nil {
		return catalog.Outcome{}, err
	}
	var settled int64
	err = w.tx.QueryRow(ctx, w.writeSQL(fetch, b), pgx.QueryExecModeExec).Scan(
		&o.RowsRead, &settled, &o.RowsInserted, &o.RowsUpdated, &o.RowsDeleted, &o.Watermark)
	if err != nil {
		return catalog.Outcome{}, fmt.Errorf("load rows: %w", err)
	}
	if o.RowCount = settled; !o.Whole {
		o.RowCount = w.rowCount() + o.RowsInserted - o.RowsDeleted
	}
	return o, nil
}

// bounds subtracts from the watermark and the remote clock what the view's definition says.
func (w *work) bounds(ctx context.Context) (b bounds, err error) {
	var watermark *string
	if !w.whole {
		watermark = w.state.Watermark
	}
	if w.view.WatermarkKind() == catalog.NumericWatermark {
		err = w.tx.QueryRow(ctx, `SELECT ($1::numeric - $2::numeric)::text`, watermark, w.view.Lookback).Scan(&b.low)
		return b, wrap(err, "compute bounds")
	}
	lookback, err := catalog.ParseDuration(w.view.Lookback)
	if err != nil {
		return b, wrap(err, "read lookback")
	}
	// The remote session's time zone is UTC, and so is this one's. A date is the day that the moment falls on.
	err = w.tx.QueryRow(ctx, fmt.Sprintf(`
		SELECT ($1::%[1]s - $2::interval)::%[1]s::text,
		       CASE WHEN $3::interval > '0' THEN ($4::timestamptz - $3::interval)::%[1]s::text END,
		       $4::timestamptz::%[1]s::text`, w.view.WatermarkType()),
		watermark, lookback, w.view.SafetyLag, w.source.Clock()+"+00").Scan(&b.low, &b.high, &b.ceiling)
	return b, wrap(err, "compute bounds")
}

// fetchSQL is the statement that brings the rows. Through dblink it is a part of the one that reads, settles
// duplicates, writes and counts: that needs no temporary table, whose making and dropping would bloat the system
// catalogs run by run. What this process reads itself has to be put somewhere first.
func (w *work) fetchSQL(ctx context.Context, b bounds, o *catalog.Outcome) (string, error) {
	where, err := remoteRange(w.view, b)
	if err != nil {
		return "", err
	}
	if s, ok := w.source.(dblinkSource); ok {
		return w.dblinkSelect(s.Schema(), where)
	}
	got, err := w.stage(ctx, where)
	o.BytesRead = got.bytes
	return stagedSQL(w.names()), err
}

func stagedSQL(columns []string) string {
	return fmt.Sprintf("SELECT %s FROM %s", identList("", columns), staging)
}

// remoteRange is the condition on the remote side. Rows without a watermark are read every time.
func remoteRange(v catalog.View, b bounds) (string, error) {
	if b.low == nil && b.high == nil {
		return "", nil
	}
	column, err := dblink.RemoteIdent(v.Watermark)
	if err != nil {
		return "", err
	}
	typ := remoteBoundType(v)
	var terms []string
	for _, bound := range []struct {
		operator string
		value    *string
	}{{">=", b.low}, {"<=", b.high}} {
		if bound.value == nil {
			continue
		}
		value, err := dblink.RemoteLiteral(*bound.value)
		if err != nil {
			return "", err
		}
		terms = append(terms, fmt.Sprintf("q.%s %s %s::%s", column, bound.operator, value, typ))
	}
	return fmt.Sprintf("(%s) OR q.%s IS NULL", strings.Join(terms, " AND "), column), nil
}

// remoteBoundType is the type in which a bound is compared. For numbers it has the column's scale, so that no digit is
// lost, and all of Redshift's precision, so that a lookback below the column's range is no error.
func remoteBoundType(v catalog.View) string {
	if v.WatermarkKind() != catalog.NumericWatermark {
		return v.WatermarkType()
	}
	return numericBound(v.WatermarkType())
}

func numericBound(typ string) string {
	var precision, scale int
	if _, err := fmt.Sscanf(typ, "numeric(%d,%d)", &precision, &scale); err != nil {
		scale = 0 // an integer
	}
	return fmt.Sprintf("numeric(38,%d)", scale)
}

// localRange is the same condition on the cached rows, known as c.
func localRange(v catalog.View, b bounds) string {
	column := "c." + dblink.Ident(v.Watermark)
	var terms []string
	if b.low != nil {
		typ := v.WatermarkType()
		if v.WatermarkKind() == catalog.NumericWatermark {
			typ = "numeric"
		}
		terms = append(terms, fmt.Sprintf("%s >= %s::%s", column, dblink.Literal(*b.low), typ))
		if b.high != nil {
			terms = append(terms, fmt.Sprintf("%s <= %s::%s", column, dblink.Literal(*b.high), typ))
		}
	}
	if terms == nil {
		return "true"
	}
	return fmt.Sprintf("(%s) OR %s IS NULL", strings.Join(terms, " AND "), column)
}
