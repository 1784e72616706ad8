package read

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/redshift"
)

// ranges are conditions that share the rows out, each row to one of them.
func ranges(ctx context.Context, tx pgx.Tx, q Query, src redshift.Source, n int) ([]string, error) {
	column, err := redshift.Ident(q.Split.Column)
	if err != nil {
		return nil, err
	}
	ends, err := src.Rows(ctx, redshift.RangeSQL(q.Text, column), 2)
	if err != nil {
		return nil, err
	}
	if len(ends) != 1 || ends[0][0] == nil || ends[0][1] == nil {
		return nil, fmt.Errorf("column %s has no values", q.Split.Column)
	}
	bounds, err := bordersBetween(ctx, tx, q.Split, *ends[0][0], *ends[0][1], n)
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

// bordersBetween are the n-1 values that divide a range evenly, as literals for Redshift. What is computed in the
// transaction cannot fail there: a table that is to be filled as frozen does not bear the rollback to a savepoint.
func bordersBetween(ctx context.Context, tx pgx.Tx, split Split, low, high string, n int) (borders []string, err error) {
	typ := split.Type.Local
	if split.Type.Order == redshift.Numbers {
		numbers := NumbersOf(split.Type)
		borders, err = numbersBetween(numbers, low, high, n)
		typ = numbers.Type
	} else {
		borders, err = timesBetween(ctx, tx, split.Type.Order, low, high, n)
	}
	if err != nil {
		return nil, err
	}
	for i, value := range borders {
		literal, err := redshift.Literal(value)
		if err != nil {
			return nil, err
		}
		borders[i] = literal + "::" + typ
	}
	return borders, nil
}

// errEndless means that there is no middle between the lowest and the highest value.
var errEndless = errors.New("the values have no lowest or no highest that can be computed with")

func numbersBetween(r Numbers, low, high string, n int) (borders []string, err error) {
	from, finite := new(big.Rat).SetString(low)
	to, alsoFinite := new(big.Rat).SetString(high)
	if !finite || !alsoFinite {
		return nil, errEndless
	}
	width := to.Sub(to, from)
	for i := range n - 1 {
		share := new(big.Rat).Mul(width, big.NewRat(int64(i+1), int64(n)))
		borders = append(borders, r.Text(share.Add(share, from)))
	}
	return borders, nil
}

// timesBetween computes with moments as they are written: the remote session's time zone is UTC, and a zone behind them
// says nothing more. The difference between the ends of a type is more than an interval holds, so it is one of seconds.
func timesBetween(ctx context.Context, tx pgx.Tx, order redshift.Order, low, high string, n int) ([]string, error) {
	typ := "timestamp"
	if order == redshift.Days {
		typ = "date"
	}
	rows, err := tx.Query(ctx, fmt.Sprintf(`
		SELECT ('1970-01-01'::timestamp + pg_catalog.make_interval(days => pg_catalog.floor(s.since / 86400)::integer,
		        secs => s.since - pg_catalog.floor(s.since / 86400) * 86400))::%s::text
		FROM (SELECT $1::text::timestamp AS low, $2::text::timestamp AS high) t
		CROSS JOIN pg_catalog.generate_series(1, $3::integer - 1) i
		CROSS JOIN LATERAL (
		    SELECT extract(epoch FROM t.low)::float8 * (1 - i / $3::float8) + extract(epoch FROM t.high)::float8 * (i / $3::float8) AS since
		) s
		WHERE pg_catalog.isfinite(t.low) AND pg_catalog.isfinite(t.high)`, typ), low, high, n)
	if err != nil {
		return nil, wrap(err, "divide range")
	}
	borders, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err == nil && len(borders) == 0 {
		err = errEndless
	}
	return borders, wrap(err, "divide range")
}
