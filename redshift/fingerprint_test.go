package redshift_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
)

// everyType has a column of each type that can be hashed.
const everyType = `CREATE TABLE kinds (
	id int, a varchar(20), b varchar(20), c char(4), live boolean, small smallint, big bigint, ratio real, exact double precision,
	price numeric(10, 2), huge numeric(38, 10), day date, at timestamp, moment timestamptz, clock time, zoned timetz,
	doc super, raw varbyte, span intervald2s)`

const twoRows = `INSERT INTO kinds VALUES
	(1, 'a', 'b', 'c', true, 1, 1, 1.5, 1.5, 1.50, 1, '2024-01-01', '2024-01-01', '2024-01-01 00:00+00', '01:00', '01:00+00', '{"a": 1}', 'ff', '1 day'),
	(2, 'ab', '', '', false, 0, 0, 0, 0, 0, 0, '2000-01-01', '2000-01-01', '2000-01-01 00:00+00', '00:00', '00:00+00', 'null', '', '0')`

func TestFingerprint_ChangesWithTheRows(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	engine := b.Warehouse.Engine
	linktest.Exec(t, engine, everyType)
	linktest.Exec(t, engine, twoRows)
	const query = "SELECT * FROM kinds -- all"
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		columns, err := redshift.Describe(t.Context(), s, query)
		if err != nil {
			t.Fatal(err)
		}
		take := func() string {
			text, err := redshift.Fingerprint(t.Context(), s, columns, query, "at")
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		original := take()
		seen := map[string]string{original: "nothing"}
		changes := []string{
			"TRUNCATE kinds", "DELETE FROM kinds WHERE id = 1", "INSERT INTO kinds SELECT * FROM kinds",
			"INSERT INTO kinds SELECT * FROM kinds WHERE id = 1", "INSERT INTO kinds DEFAULT VALUES",
			"UPDATE kinds SET a = b, b = a WHERE id = 1", "UPDATE kinds SET a = 'ab', b = '' WHERE id = 1", "UPDATE kinds SET a = CASE id WHEN 1 THEN 'ab' ELSE 'a' END",
			"UPDATE kinds SET small = id, big = 0", "UPDATE kinds SET a = 'a', b = 'b' WHERE id = 2",
			"UPDATE kinds SET a = 'a ' WHERE id = 1", "UPDATE kinds SET b = 'B' WHERE id = 1",
		}
		for _, c := range columns[1:] {
			changes = append(changes, "UPDATE kinds SET "+c.Name+" = NULL WHERE id = 1", "UPDATE kinds SET "+c.Name+" = NULL WHERE id = 2")
		}
		for _, change := range changes {
			linktest.Exec(t, engine, change)
			got := take()
			if other, found := seen[got]; found {
				t.Errorf("%s: the fingerprint %q is also that of %s", change, got, other)
			}
			seen[got] = change
			linktest.Exec(t, engine, "TRUNCATE kinds")
			linktest.Exec(t, engine, twoRows)
			if got := take(); got != original {
				t.Fatalf("the same rows again: got %q, want %q", got, original)
			}
		}
	})
}

func TestFingerprint_StaysWithTheRows(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	engine := b.Warehouse.Engine
	linktest.Exec(t, engine, everyType)
	linktest.Exec(t, engine, twoRows)
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		take := func(query, watermark string) string {
			columns, err := redshift.Describe(t.Context(), s, query)
			if err != nil {
				t.Fatal(err)
			}
			text, err := redshift.Fingerprint(t.Context(), s, columns, query, watermark)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		const query = "SELECT * FROM kinds"
		original := take(query, "")
		for _, change := range []string{
			"VACUUM FULL kinds", "ANALYZE kinds", "UPDATE kinds SET id = id",
			"WITH gone AS (DELETE FROM kinds WHERE id = 1 RETURNING *) INSERT INTO kinds SELECT * FROM gone",
		} {
			linktest.Exec(t, engine, change)
			if got := take(query, ""); got != original {
				t.Errorf("%s: got %q, want %q", change, got, original)
			}
		}
		// Another statement never makes the same text.
		if take("SELECT a, b FROM kinds", "") == take("SELECT b, a FROM kinds", "") || take(query, "id") == original {
			t.Error("two statements have the same fingerprint")
		}
		if got := take("SELECT a FROM kinds WHERE false", "a"); !strings.HasPrefix(got, "0 rows, ") {
			t.Errorf("got %q for no rows", got)
		}
	})
}

// Zero bytes do not travel, so they do not count either, and do not hide what comes after them.
func TestFingerprint_SeesBehindAZeroByte(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, "CREATE TABLE odd (a varchar(9))")
	linktest.Exec(t, b.Warehouse.Engine, "INSERT INTO odd VALUES ($1)", "x"+redshiftsim.NULMarker+"1")
	b.InSession(t, func(_ pgx.Tx, s *dblink.Session) {
		var texts []string
		for _, value := range []string{"x" + redshiftsim.NULMarker + "1", "x1", "x" + redshiftsim.NULMarker + "2"} {
			linktest.Exec(t, b.Warehouse.Engine, "UPDATE odd SET a = $1", value)
			columns, err := redshift.Describe(t.Context(), s, "SELECT a FROM odd")
			if err != nil {
				t.Fatal(err)
			}
			text, err := redshift.Fingerprint(t.Context(), s, columns, "SELECT a FROM odd", "")
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, text)
		}
		if texts[0] != texts[1] || texts[1] == texts[2] {
			t.Errorf("got %q", texts)
		}
	})
}

func TestFingerprintSQL_GrowsWithTheColumns(t *testing.T) {
	t.Parallel()
	length := func(n int) int {
		columns := make([]redshift.Column, n)
		for i := range columns {
			typ, err := redshift.Map("character varying(10)")
			if err != nil {
				t.Fatal(err)
			}
			columns[i] = redshift.Column{Name: "a", Type: typ}
		}
		sql, err := redshift.FingerprintSQL(columns, "SELECT 1", "")
		if err != nil {
			t.Fatal(err)
		}
		return len(sql)
	}
	if once, twice, four := length(100), length(200), length(400); four-twice != 2*(twice-once) {
		t.Errorf("100, 200 and 400 columns take %d, %d and %d bytes", once, twice, four)
	}
}

// A zero of another type would make Redshift round the values beside it.
func TestFingerprintSQL_StandsInForNULLWithTheSameType(t *testing.T) {
	t.Parallel()
	typ, err := redshift.Map("numeric(18,4)")
	if err != nil {
		t.Fatal(err)
	}
	sql, err := redshift.FingerprintSQL([]redshift.Column{{Name: "price", Type: typ}}, "SELECT 1", "")
	if err != nil {
		t.Fatal(err)
	}
	linktest.Contains(t, sql, `COALESCE(q."price", 0::numeric(18,4))`)
}

func TestFingerprintSQL_NamesWhatItCannotHash(t *testing.T) {
	t.Parallel()
	for _, remote := range []string{"geometry", "geography", "hllsketch", `"unknown"`, "name", "oid", "xid", "abstime", "tid"} {
		typ, err := redshift.Map(remote)
		if err != nil {
			t.Fatal(err)
		}
		_, err = redshift.FingerprintSQL([]redshift.Column{{Name: "shape", RemoteType: remote, Type: typ}}, "SELECT 1", "")
		var unhashable *redshift.UnhashableError
		if !errors.As(err, &unhashable) || unhashable.Column != "shape" || unhashable.Type != remote {
			t.Errorf("%s: got %v", remote, err)
			continue
		}
		linktest.Contains(t, unhashable.Error(), remote)
		linktest.Contains(t, unhashable.Hint(), "(shape)::varchar AS shape")
	}
}
