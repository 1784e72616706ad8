package session_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/redshift/session"
)

type typeTexts struct {
	remote, local string
	values        []string
}

// texts are what a warehouse sends, by the types on both sides. PostgreSQL must read our binary form of each as it
// reads the text itself.
var texts = []typeTexts{
	{"oid", "bigint", []string{"0", "4294967295", "-1", "9223372036854775807", "-9223372036854775808"}},
	{"cardinal_number", "integer", []string{"0", "2147483647", "-2147483648"}},
	{"smallint", "smallint", []string{"32767", "-32768", "00007"}},
	{"numeric", "numeric", []string{
		"0", "-0", "0.000", "-0.00", "1", "-1", "10", "9999", "10000", "10001", "99999999", "100000000", "1.5", "1.50", "+7",
		"0.1", "0.0001", "0.00001", "0.000000000001", "-0.00010002", "1234.5678", "12345.67890", "10000.0001", "007.700",
		"12345678901234567890123456789012345678", "-99999999999999999999999999999999999999", ".5", "5.",
		"0.00000000000000000000000000000000000001", "123456789012345678.12345678901234567890", "NaN",
		strings.Repeat("9", 131072), "0." + strings.Repeat("0", 16382) + "1",
	}},
	{"numeric(38,10)", "numeric(38,10)", []string{"1", "-1.0000000000", "1234567890123456789012345678.0123456789", "0.1000"}},
	{"numeric(5,2)", "numeric(5,2)", []string{"999.99", "-999.99", "1.500", "0", "1.5", "NaN", "000999.99000", "0.01"}},
	{"numeric(3,0)", "numeric(3,0)", []string{"999", "999.000", "-1"}},
	{"numeric(4)", "numeric(4)", []string{"9999", "0.0"}},
	{"date", "date", []string{
		"2024-02-29", "2000-01-01", "1999-12-31", "1970-01-01", "0001-01-01", "0001-12-31 BC", "0004-02-29", "0005-02-29 BC",
		"4713-01-01 BC", "4714-11-24 BC", "10000-01-01", "294276-12-31", "1900-03-01", "2000-02-29", "2000-03-01", "infinity",
		"-infinity", "5874897-12-31",
	}},
	{"timestamp without time zone", "timestamp without time zone", []string{
		"2024-02-29 23:59:59.999999", "2000-01-01 00:00:00", "1999-12-31 23:59:59.5", "0044-03-15 12:00:00 BC",
		"4714-11-24 00:00:00 BC", "294276-12-31 23:59:59.999999", "12345-06-07 08:09:10.000001", "infinity", "-infinity",
	}},
	{"timestamp with time zone", "timestamp with time zone", []string{
		"2024-07-01 12:00:00+00", "2024-07-01 12:00:00+05:30", "2024-07-01 00:00:00.25-03", "1890-01-01 00:00:00+00:53:28",
		"4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00", "-infinity", "infinity",
	}},
	{"abstime", "timestamp with time zone", []string{"2024-07-01 12:00:00+00", "infinity"}},
	{"time without time zone", "time without time zone", []string{
		"00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.7", "12:34:56.789012",
	}},
	{"time with time zone", "time with time zone", []string{
		"00:00:00+00", "23:59:59.999999+15:59", "24:00:00-12", "12:00:00.5+05:30", "12:00:00-00:00:01",
	}},
	{"interval", "interval", []string{
		"00:00:00", "-00:00:01", "00:00:00.000001", "1 year", "-1 years", "1 year 2 mons", "1 mon", "-3 days", "1 day",
		"1 year 2 mons -3 days +04:05:06.789", "-1 years -2 mons +3 days -04:05:06.789", "-1 days +02:03:04",
		"178956970 years 7 mons", "-178956970 years -8 mons", "106751991 days 04:00:54.775807", "2147483647 days",
		"-2147483648 days", "2562047788:00:54.775807", "-2562047788:00:54.775807", "100:00:00",
		"1-2", "-1-2", "3 04:05:06", "-3 04:05:06", "-3 -04:05:06", "1 years 0 mons", "0 days 25 hours 59 mins 59.9992 secs",
		"1 days 2 hours 3 mins -4.5 secs", "2 months", "1 hour", "1 minute 1 second",
	}},
	{"varbyte", "bytea", []string{"", "00", "00ff10", "DEADbeef"}},
	{"super", "jsonb", []string{`null`, `"TV"`, `{"a":[1,2.50,"ü🚀"],"b":null}`, `[]`, `12345678901234567890.123`}},
	{"character varying(20)", "character varying(20)", []string{"", "a ", " ", "ü🚀", `\N`, "NULL", "tab\there"}},
	{"character(4)", "character(4)", []string{"ab  ", "", "abcd", "ab"}},
	{"character", "text", []string{"ab", ""}},
	{"hllsketch", "text", []string{`{"logm":15}`}},
}

// youngTexts are those that older servers refuse, by the first version that does not.
var youngTexts = map[int][]typeTexts{
	14: {{"numeric", "numeric", []string{"Infinity", "-Infinity"}}},
	15: {
		{"numeric(2,5)", "numeric(2,5)", []string{"0.00099", "-0.00001", "0"}},
		{"numeric(2,-3)", "numeric(2,-3)", []string{"99000", "-1000.00", "0"}},
	},
}

func TestEncode_AgreesWithPostgres(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	version, err := strconv.Atoi(mustText(t, pool, "SELECT left(current_setting('server_version_num'), 2)"))
	if err != nil {
		t.Fatal(err)
	}
	known := slices.Clone(texts)
	for since, young := range youngTexts {
		if since <= version {
			known = append(known, young...)
		}
	}
	for i, test := range known {
		c := column("v", test.remote)
		if c.Type.Local != test.local {
			t.Fatalf("%s is cached as %s, want %s", test.remote, c.Type.Local, test.local)
		}
		var tuples [][]byte
		for _, value := range test.values {
			encoded, err := session.Encode(c, value)
			if err != nil {
				t.Errorf("%s %.50q: %v", test.local, value, err)
				continue
			}
			tuples = append(tuples, encoded)
		}
		table := "v" + strconv.Itoa(i)
		if err := copyValues(t, pool, table, test.local, tuples); err != nil {
			t.Errorf("%s: %v", test.local, err)
			continue
		}
		rows := mustRows(t, pool, "SELECT v::text FROM "+table+" ORDER BY n")
		for j, got := range rows {
			want := mustText(t, pool, "SELECT CAST(CAST($1::text AS "+test.local+") AS text)", written(test.local, test.values[j]))
			if got != want {
				t.Errorf("%s %.50q: arrived as %.50q, want %.50q", test.local, test.values[j], got, want)
			}
		}
		if len(rows) != len(test.values) {
			t.Errorf("%s: %d of %d values arrived", test.local, len(rows), len(test.values))
		}
	}
}

// written is how PostgreSQL itself wants to read a value.
func written(local, value string) string {
	if local == "bytea" {
		return `\x` + value
	}
	return value
}

// copyValues makes a table and copies values into it, as a reader would.
func copyValues(t testing.TB, pool *pgxpool.Pool, table, local string, values [][]byte) error {
	t.Helper()
	stream := []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	for _, value := range values {
		stream = append(stream, 0, 1)
		stream = append(binary.BigEndian.AppendUint32(stream, uint32(len(value))), value...)
	}
	stream = append(stream, 0xff, 0xff)
	mustExec(t, pool, "CREATE TABLE "+table+" (n bigint GENERATED ALWAYS AS IDENTITY, v "+local+")")
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	_, err = conn.Conn().PgConn().CopyFrom(t.Context(), bytes.NewReader(stream),
		"COPY "+table+" (v) FROM STDIN (FORMAT binary)")
	return err
}

func mustRows(t testing.TB, pool *pgxpool.Pool, sql string) (texts []string) {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	texts, err = pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return texts
}

// refused are texts that must not become a value, by the type in the cache.
var refused = map[string][]string{
	"numeric": {
		"", "-", ".", "1e5", "abc", "1.2.3", "--1", "1-", " 1", "nan", "inf", "1,5", "0x10", "+", "+NaN",
	},
	"numeric(5,2)":  {"1.005", "1000", "-1000.00", "0.001", "999.999", "Infinity", "-Infinity"},
	"numeric(2,5)":  {"0.001", "0.000001", "1"},
	"numeric(2,-3)": {"100000", "1500", "0.1"},
	"numeric(3,0)":  {"0.5", "1000"},
	"smallint":      {"32768", "-32769", "", "-", "1.0", "99999999999999999999", "+1"},
	"integer":       {"2147483648", "-2147483649"},
	"bigint": {
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "100000000000000000000",
	},
	"date": {
		"", "2024-02-30", "2023-02-29", "1900-02-29", "2024-13-01", "2024-1-1", "0000-01-01", "24-01-01",
		"20240101", "2024-01-01 BCE", "01/02/2024", "99999999-01-01", "2024-01-01 00:00:00", "Infinity",
		"4714-11-23 BC", "5874898-01-01",
	},
	"interval": {
		"", " ", "5", "86400000000", "1 fortnight", "1", "1 day 2 days", "01:02", "1:2:3", "1-12", "1.5 days",
		"P1D", "@ 1 day", "1 day ago", "999999999999 years", "9999999999:00:00", "1 day 1-", "04:05:06 1 hour",
		"1 day2",
	},
	"bytea": {"0", "0g", `\x00`, " 00"},
	"time without time zone": {
		"", "24:00:01", "25:00:00", "12:60:00", "12:00", "1:00:00", "12:00:00.1234567", "12:00:00+00",
		"12:00:60",
	},
	"time with time zone": {"12:00:00", "12:00:00+1", "12:00:00+16", "12:00:00 UTC", "12:00:00+05:60"},
	"timestamp without time zone": {
		"2024-01-01", "2024-01-01T00:00:00", "2024-01-01 24:00:00", "2024-01-01 00:00:00+00",
		"2024-01-01 00:00", "294277-01-01 00:00:00", "4714-11-23 23:59:59.999999 BC", "4800-01-01 00:00:00 BC",
	},
	"timestamp with time zone": {"2024-01-01 00:00:00", "2024-01-01 00:00:00 UTC", "2024-01-01 00:00:00+"},
}

func TestEncode_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for local, values := range refused {
		for _, value := range values {
			encoded, err := session.Encode(cachedAs(local), value)
			if err == nil {
				t.Errorf("%s %q became % x", local, value, encoded)
			} else if len(value) > 3 && strings.Contains(err.Error(), value) {
				t.Errorf("%s: error %q shows the value", local, err)
			}
		}
	}
}
