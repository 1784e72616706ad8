package session_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"regexp"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/redshift/session"
)

// judge is a PostgreSQL that says what a text is in binary.
type judge struct{ pool *pgxpool.Pool }

func newJudge(f *testing.F) judge { return judge{pgtest.New(f).Pool(f)} }

// agrees fails when a text became something else than PostgreSQL makes of it. It tells whether it became anything.
func (j judge) agrees(t *testing.T, local, send, text string) bool {
	t.Helper()
	got, err := session.Encode(cachedAs(local), text)
	if err != nil {
		return false
	}
	var want []byte
	err = j.pool.QueryRow(t.Context(), "SELECT pg_catalog."+send+"($1::text::"+local+")", text).Scan(&want)
	if err != nil {
		t.Errorf("%s %q became % x, and PostgreSQL says %v", local, text, got, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s %q became % x, want % x", local, text, got, want)
	}
	return true
}

// shown is the text in which PostgreSQL shows a value.
func (j judge) shown(t *testing.T, local string, value any) string {
	t.Helper()
	return mustText(t, j.pool, "SELECT $1::"+local+"::text", value)
}

var decimal = regexp.MustCompile(`^[+-]?(\d{1,1000}(\.\d{0,1000})?|\.\d{1,1000})$`)

func FuzzNumeric(f *testing.F) {
	for _, seed := range []string{
		"0", "-0.00", "12345.6789", "0.00001", "-99999999999999999999999999999999999999", "10000", ".5", "5.", "+1", "1e5",
		"NaN", "", "-", "1_000", "0x1F",
	} {
		f.Add(seed)
	}
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, text string) {
		if !j.agrees(t, "numeric", "numeric_send", text) && decimal.MatchString(text) {
			t.Errorf("decimal %q was refused", text)
		}
	})
}

func FuzzInterval(f *testing.F) {
	f.Add("1 year 2 mons -3 days +04:05:06.789", int32(14), int32(-3), int64(14706789000))
	f.Add("-00:00:01", int32(-2147483648), int32(2147483647), int64(math.MaxInt64))
	f.Add("-1-2", int32(-13), int32(0), int64(-1))
	f.Add("3 -04:05:06", int32(0), int32(1), int64(math.MinInt64+1))
	f.Add("1 days 2 hours 3 mins -4.5 secs", int32(1), int32(-1), int64(86400000000))
	f.Add("86400000000", int32(0), int32(0), int64(0))
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, text string, months, days int32, microseconds int64) {
		j.agrees(t, "interval", "interval_send", text)
		shown := j.shown(t, "interval", pgtype.Interval{Months: months, Days: days, Microseconds: microseconds, Valid: true})
		if shown == "infinity" || shown == "-infinity" { // PostgreSQL 17; Redshift has none
			return
		}
		want := binary.BigEndian.AppendUint64(nil, uint64(microseconds))
		want = binary.BigEndian.AppendUint32(want, uint32(days))
		want = binary.BigEndian.AppendUint32(want, uint32(months))
		got, err := session.Encode(cachedAs("interval"), shown)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("interval %q became % x, %v, want % x", shown, got, err, want)
		}
	})
}

func FuzzTimestamp(f *testing.F) {
	f.Add("2024-02-29 23:59:59.999999", int64(0))
	f.Add("4713-01-01 00:00:00+00 BC", int64(-211813488000000000))
	f.Add("294276-12-31", int64(9223371331199999999))
	f.Add("24:00:00", int64(-1))
	f.Add("12:00:00-15:59:59", int64(86400000000))
	f.Add("infinity", int64(math.MaxInt64))
	j := newJudge(f)
	f.Fuzz(func(t *testing.T, text string, microseconds int64) {
		j.agrees(t, "timestamp without time zone", "timestamp_send", text)
		j.agrees(t, "timestamp with time zone", "timestamptz_send", text)
		j.agrees(t, "date", "date_send", text)
		j.agrees(t, "time without time zone", "time_send", text)
		j.agrees(t, "time with time zone", "timetz_send", text)
		const first, end = -211813488000000000, 9223371331200000000 // of PostgreSQL's range
		if microseconds < first || microseconds >= end {
			return
		}
		// As text, since pgx's own type for it ends earlier.
		seconds, rest := microseconds/1_000_000, microseconds%1_000_000
		shown := mustText(t, j.pool, `
			SELECT (timestamp '2000-01-01' + make_interval(days => $1, secs => $2) + $3 * interval '1 microsecond')::text`,
			seconds/86400, float64(seconds%86400), rest)
		got, err := session.Encode(cachedAs("timestamp without time zone"), shown)
		if err != nil || !bytes.Equal(got, binary.BigEndian.AppendUint64(nil, uint64(microseconds))) {
			t.Errorf("timestamp %q became % x, %v, want %x", shown, got, err, microseconds)
		}
	})
}
