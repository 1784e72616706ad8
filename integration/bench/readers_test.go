package main

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == childWord { // as main does
		os.Exit(runChild(os.Args[2:]))
	}
	pgtest.Main(m)
}

// A lock that is held for a while makes every look-up late that was due meanwhile, and each counts from when it was due.
func TestReaders_CountFromWhenALookUpWasDue(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool := db.Pool(t)
	if err := execAll(t.Context(), pool,
		"CREATE TABLE public.seen (id bigint PRIMARY KEY, note text, quantity integer)",
		"INSERT INTO public.seen SELECT i, 'a note', i FROM generate_series(1, 9) i"); err != nil {
		t.Fatal(err)
	}
	const perSecond = 400
	r, err := openReaders(t.Context(), db.URL, "public.seen", 10, options{readers: 2, rate: perSecond})
	if err != nil {
		t.Fatal(err)
	}
	r.start(t.Context())
	held := hold(t, db.URL, 300*time.Millisecond)
	seen, err := r.stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(seen.latencies)
	late := 0
	for _, l := range seen.latencies {
		if l > held/2 {
			late++
		}
	}
	// Those due in the first half of the time. A reader that only counted what it sent would have two.
	if want := int(held.Seconds() * perSecond / 2); late < want*9/10 {
		t.Errorf("late look-ups: got %d, want about %d", late, want)
	}
	if longest := percentile(seen.latencies, 100); longest < held*9/10 {
		t.Errorf("longest: got %s, want at least about %s", longest, held)
	}
	if seen.missing == 0 {
		t.Error("no look-up of the row that does not exist was noticed")
	}
}

// hold locks the table, for a time that is measured from when the lock was there.
func hold(t *testing.T, url string, length time.Duration) time.Duration {
	t.Helper()
	conn := pgtest.Connect(t, url)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "LOCK TABLE public.seen IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := tx.Exec(t.Context(), "SELECT pg_sleep($1)", length.Seconds()); err != nil {
		t.Fatal(err)
	}
	held := time.Since(start)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return held
}

// Each change moves the rows on and is seen by the comparison, and a copy of the state before is none.
func TestTable_ChangesAndVerifies(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	source := &table{name: "public.t", rows: 1000}
	if err := source.load(t.Context(), pool); err != nil {
		t.Fatal(err)
	}
	copyOf := func() {
		t.Helper()
		if err := execAll(t.Context(), pool, "DROP TABLE IF EXISTS public.copy", "CREATE TABLE public.copy AS TABLE public.t"); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		n       int
		scatter bool
	}{{10, false}, {10, true}, {1000, false}, {10, false}} {
		copyOf()
		if err := source.verify(t.Context(), pool, pool, "public.copy"); err != nil {
			t.Error(err)
		}
		if err := source.change(t.Context(), pool, tt.n, tt.scatter); err != nil {
			t.Fatal(err)
		}
		if err := source.verify(t.Context(), pool, pool, "public.copy"); err == nil {
			t.Error("a stale copy passes for one")
		}
		var changed, past int
		if err := pool.QueryRow(t.Context(), `
			SELECT count(*), count(*) FILTER (WHERE t.updated_at > (SELECT max(updated_at) FROM public.copy))
			FROM public.t JOIN public.copy c USING (id) WHERE t.* *<> c.*`).Scan(&changed, &past); err != nil {
			t.Fatal(err)
		}
		if changed != tt.n || past != tt.n {
			t.Errorf("%+v: %d rows changed, %d of them past the watermark", tt, changed, past)
		}
	}
}
