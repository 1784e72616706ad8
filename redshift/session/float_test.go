package session_test

import "testing"

// An engine of 8.0 prints eight digits of a REAL, and one in seventy needs nine. So REALs of all sizes arrive with every
// bit only where they do not travel as such a text.
func TestTransports_BringEveryBitOfAFloat(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	mustExec(t, p.warehouse.Engine, `CREATE TABLE floats (id integer, single real, double double precision)`)
	mustExec(t, p.warehouse.Engine, `
		INSERT INTO floats
		SELECT i, (sign(random() - 0.5) * (1 + random()) * 2.0 ^ (random() * 250 - 125)::integer)::real,
		       sign(random() - 0.5) * (1 + random()) * 2.0::float8 ^ (random() * 2000 - 1000)::integer
		FROM generate_series(1, 20000) i`)
	mustExec(t, p.warehouse.Engine, `
		INSERT INTO floats VALUES (-1, 1.17549435e-38, 2.2250738585072014e-308), (-2, 1e-45, 5e-324), (-3, '-0', '-0'),
		(-4, 'NaN', 'NaN'), (-5, '-Infinity', 'Infinity'), (-6, 3.4028235e38, 1.7976931348623157e308), (-7, NULL, NULL),
		(-8, 16777217, 9007199254740993), (-9, 8388608.5, 0.1), (-10, 1.00000012, 0.30000000000000004)`)
	for _, query := range []string{
		"SELECT * FROM floats", "SELECT id, single * 3 AS single, -double AS double FROM floats", "SELECT id, avg(single)::real AS v FROM floats GROUP BY id",
	} {
		columns, err := p.viaDblink(t.Context(), query, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.viaStream(t, columns, query); err != nil {
			t.Fatal(err)
		}
		differ := mustText(t, p.cache, `SELECT count(*)::text FROM one FULL JOIN two USING (id) WHERE one::text IS DISTINCT FROM two::text`)
		if differ != "0" {
			t.Errorf("%s: %s rows differ between the transports", query, differ)
		}
		if query == "SELECT * FROM floats" {
			const digest = `SELECT md5(string_agg(encode(float4send(single), 'hex') || encode(float8send(double), 'hex'), ' ' ORDER BY id)) FROM `
			if got, want := mustText(t, p.cache, digest+"one"), mustText(t, p.warehouse.Engine, digest+"floats"); got != want {
				t.Error("the cache has other bits than the source")
			}
		}
		mustExec(t, p.cache, "DROP TABLE one, two")
	}
}
