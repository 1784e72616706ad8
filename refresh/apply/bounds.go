package apply

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/sql"
)

// bounds are what an incremental read is limited to, as texts of a type that both servers compare alike. They are values
// that the watermark column can have, so that both sides mean the same rows: those that are read are those that are
// replaced.
type bounds struct {
	typ  string
	low  *string // rows from here on are read, and rows without a watermark; nil reads everything
	high *string // rows up to here are read; nil means no limit
	// ceiling is how far the watermark may move: the remote clock, or the highest number that there is. A row from the
	// future, or one without end, is read again and again, but never moves the watermark over rows that are yet to be
	// written.
	ceiling *string
}

// bounds subtracts from the watermark and the remote clock what the view's definition says. A lookback beyond all values
// reads everything.
func (t Target) bounds(ctx context.Context, tx pgx.Tx) (bounds, error) {
	if t.View.WatermarkKind() == catalog.NumericWatermark {
		b, err := numberBounds(t.View.WatermarkType(), t.Watermark, t.View.Lookback)
		return b, wrap(err, "compute bounds")
	}
	lookback, err := catalog.ParseDuration(t.View.Lookback)
	if err != nil {
		return bounds{}, wrap(err, "read lookback")
	}
	b := bounds{typ: t.View.WatermarkType().Local}
	// The remote session's time zone is UTC, and so is this one's. A date is the day that the moment falls on. The first
	// moment is the lowest that Redshift documents.
	err = tx.QueryRow(ctx, fmt.Sprintf(`
		SELECT CASE WHEN pg_catalog.isfinite(t.mark) AND t.mark - '4713-01-01 00:00:00 BC'::timestamp >= $2::interval
		            THEN (t.mark - $2::interval)::%[1]s::text END,
		       CASE WHEN $3::interval > '0' THEN ($4::timestamptz - $3::interval)::%[1]s::text END,
		       $4::timestamptz::%[1]s::text
		FROM (SELECT $1::%[1]s::timestamp AS mark) t`, b.typ),
		t.Watermark, lookback, t.View.SafetyLag, t.Session.Clock()+"+00").Scan(&b.low, &b.high, &b.ceiling)
	return b, wrap(err, "compute bounds")
}

// numberBounds does for numbers what PostgreSQL does for times. The bound is rounded down to the column's scale.
func numberBounds(typ redshift.Type, watermark *string, lookback string) (bounds, error) {
	r := read.NumbersOf(typ)
	ceiling := r.Text(r.Highest)
	b := bounds{typ: r.Type, ceiling: &ceiling}
	if watermark == nil {
		return b, nil
	}
	mark, finite := new(big.Rat).SetString(*watermark)
	if !finite { // NaN, or an infinity, that an older version took for a watermark
		return b, nil
	}
	back, ok := new(big.Rat).SetString(lookback)
	if !ok {
		return b, errors.New("the lookback is no number")
	}
	from := mark.Sub(mark, back)
	if from.Cmp(r.Lowest) < 0 {
		return b, nil
	}
	if !r.Fixed {
		r = r.ScaledFor(from)
		b.typ = r.Type
	}
	low := r.Text(from)
	b.low = &low
	return b, nil
}

// remote is the condition on the remote side. Rows without a watermark are read every time. With a key, rows that are
// too young are part of a read of everything: the copy keeps what their keys had before, instead of taking them for gone.
func (b bounds) remote(v catalog.View) (string, error) {
	if b.low == nil && (b.high == nil || len(v.Key) > 0) {
		return "", nil
	}
	column, err := redshift.Ident(v.Watermark)
	if err != nil {
		return "", err
	}
	terms, err := b.terms("q."+column, redshift.Literal)
	return fmt.Sprintf("(%s) OR q.%s IS NULL", terms, column), err
}

// local is the same condition on the cached rows, known as c.
func (b bounds) local(v catalog.View) string {
	if b.low == nil {
		return "true"
	}
	return fmt.Sprintf("(%s) OR c.%s IS NULL", b.localTerms(v), sql.Ident(v.Watermark))
}

// localTerms is true for a cached row, c, whose watermark lies within the bounds.
func (b bounds) localTerms(v catalog.View) string {
	terms, _ := b.terms("c."+sql.Ident(v.Watermark), func(s string) (string, error) { return sql.Literal(s), nil })
	return terms
}

func (b bounds) terms(column string, quote func(string) (string, error)) (string, error) {
	var terms []string
	for _, bound := range []struct {
		operator string
		value    *string
	}{{">=", b.low}, {"<=", b.high}} {
		if bound.value == nil {
			continue
		}
		value, err := quote(*bound.value)
		if err != nil {
			return "", err
		}
		terms = append(terms, fmt.Sprintf("%s %s %s::%s", column, bound.operator, value, b.typ))
	}
	return strings.Join(terms, " AND "), nil
}
