package session_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

const (
	manyRows = "SELECT i AS v FROM generate_series(1, 1000000) AS i"
	// endless computes for as long as it is let, and sends nothing meanwhile.
	endless = "SELECT count(*)::integer AS v FROM (SELECT generate_series(1, 100000000000)) AS i"
	// broad has rows that each fill a buffer.
	broad = "SELECT repeat('x', 65000)::varchar(65000) AS v FROM generate_series(1, 100000) AS i"
)

var word = column("v", "character varying(65000)")

// working counts the queries that the source works on.
func working(t *testing.T, w *redshiftsim.Warehouse) bool {
	t.Helper()
	return mustText(t, w.Engine, `
		SELECT count(*)::text FROM pg_stat_activity
		WHERE datname = current_database() AND usename = 'cache_ro' AND state = 'active'
		  AND query LIKE '%generate_series%'`) != "0"
}

func TestReader_SaysHowTheSourceFailed(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	cache := pgtest.New(t).Pool(t)
	for _, test := range []struct {
		name  string
		fault func()
		class redshift.Class
	}{
		{"cut", func() { w.DropAfter(5000) }, redshift.Reconnect},
		{"cut before the first row", func() { w.DropAfter(0) }, redshift.Reconnect},
		{"failed", func() {
			w.FailAfter(5000, redshiftsim.EngineError{Code: "XX000", Message: "1018", Detail: "Relation does not exist"})
		}, redshift.RetryTransaction},
	} {
		s := mustOpen(t, config(t, w))
		test.fault()
		r := mustRead(t, s, manyRows, number)
		n, err := load(t, cache, "t", "v integer", r)
		if err == nil || n != 0 || !strings.Contains(err.Error(), "COPY from stdin failed") {
			t.Errorf("%s: the copy took %d rows, %v", test.name, n, err)
		}
		if redshift.Classify(r.Err()) != test.class || r.Rows() > 5000 {
			t.Errorf("%s: %d rows, class %v: %v", test.name, r.Rows(), redshift.Classify(r.Err()), r.Err())
		}
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestReader_GivesASilentSourceUp(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	c := config(t, w)
	c.Silence = 300 * time.Millisecond
	s := mustOpen(t, c)
	r := mustRead(t, s, broad, word)
	if _, err := io.CopyN(io.Discard, r, 100); err != nil {
		t.Fatal(err)
	}
	w.Stall(true)
	_, err := io.Copy(io.Discard, r)
	w.Stall(false)
	if redshift.Classify(err) != redshift.Reconnect || !strings.Contains(err.Error(), "sent nothing more within 300ms") {
		t.Errorf("got %v", err)
	}
	if !errors.Is(r.Err(), err) {
		t.Errorf("got %v, then %v", err, r.Err())
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	await(t, func() bool { return !working(t, w) })
}

func TestReader_WaitsForTheFirstRowUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	c := config(t, w)
	c.Silence = time.Millisecond
	s := mustOpen(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- drain(ctx, s, endless) }()
	await(t, func() bool { return working(t, w) })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a canceled context", err)
	}
	if working(t, w) {
		t.Error("the source works on")
	}
	if err := s.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the session after: %v", err)
	}
}

// drain reads a query of numbers to its end.
func drain(ctx context.Context, s *session.Session, sql string) error {
	r, err := s.Read(ctx, sql, []redshift.Column{number}, session.StripNUL)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	if err == nil {
		err = r.Err()
	}
	return err
}

func TestReader_ClosesInTheMidstOfRows(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	s := mustOpen(t, config(t, w))
	for range 3 {
		r := mustRead(t, s, broad, word)
		if _, err := io.CopyN(io.Discard, r, 1_000_000); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if _, err := io.Copy(io.Discard, r); err == nil || !errors.Is(r.Err(), err) {
			t.Errorf("a closed reader ended with %v, then %v", err, r.Err())
		}
		if working(t, w) {
			t.Error("the source works on")
		}
	}
	if err := s.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the session after: %v", err)
	}
}

func TestSession_ClosesWhatWaits(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	for name, use := range map[string]func(s *session.Session) error{
		"read": func(s *session.Session) error { return drain(context.Background(), s, endless) },
		"exec": func(s *session.Session) error { return s.Exec(context.Background(), endless) },
	} {
		s := mustOpen(t, config(t, w))
		ended := make(chan error, 1)
		go func() { ended <- use(s) }()
		await(t, func() bool { return working(t, w) })
		if err := s.Close(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := <-ended; err == nil || sqlstate(err) != "" {
			t.Errorf("%s: got %v, want to hear that it was closed", name, err)
		}
		if working(t, w) {
			t.Errorf("%s: the source works on", name)
		}
	}
}

func TestSession_ClosesInTimeWhenTheServerIsSilent(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	s := mustOpen(t, config(t, w))
	ended := make(chan error, 1)
	go func() { ended <- s.Exec(context.Background(), endless) }()
	await(t, func() bool { return working(t, w) })
	w.Stall(true)
	defer w.Stall(false)
	begin := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); err == nil {
		t.Error("a server that cannot answer has let go")
	}
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("it took %v", took)
	}
	if err := <-ended; err == nil {
		t.Error("the query came to its end")
	}
}

func TestRead_NoticesThatColumnsHaveChanged(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	s := mustOpen(t, config(t, w))
	for _, sql := range []string{
		"SELECT 1 AS v, 2 AS w", "SELECT 1 AS w", "SELECT 1::bigint AS v", "SELECT 'a'::varchar AS v", "SELECT 1.5 AS v",
	} {
		_, err := s.Read(t.Context(), sql, []redshift.Column{number}, session.StripNUL)
		changed, ok := errors.AsType[*session.ShapeError](err)
		if !ok || !strings.Contains(changed.Hint(), "--describe") {
			t.Errorf("%s: got %v", sql, err)
		}
	}
	_, err := s.Read(t.Context(), "SELECT 1 AS v", []redshift.Column{word}, session.StripNUL)
	if changed := (*session.ShapeError)(nil); !errors.As(err, &changed) {
		t.Errorf("a number for a text: got %v", err)
	}
	for sql, code := range map[string]string{
		"SELECT v FROM missing": "42P01", "SELECT i / 0 AS v FROM generate_series(1, 1) AS i": "22012",
	} {
		if err := drain(t.Context(), s, sql); sqlstate(err) != code {
			t.Errorf("%s: got %v, want SQLSTATE %s", sql, err, code)
		}
	}
	unknown := []redshift.Column{{Name: "v"}}
	if _, err = s.Read(t.Context(), "SELECT 1 AS v", unknown, session.StripNUL); err == nil {
		t.Error("a type that nobody knows was taken")
	}
	if rows, err := s.Rows(t.Context(), "SELECT 1", 1); len(rows) != 1 || err != nil {
		t.Errorf("the session after: %v, %v", rows, err)
	}
}

func TestReader_NamesTheValueThatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, config(t, redshiftsim.For(t)))
	r := mustRead(t, s, "SELECT (CASE WHEN i = 777 THEN 12.345 ELSE 1 END)::numeric AS v FROM generate_series(1, 1000) AS i",
		column("v", "numeric(5,2)"))
	_, err := io.Copy(io.Discard, r)
	bad, ok := errors.AsType[*session.ValueError](err)
	if !ok || bad.Row != 777 || bad.Column != "v" || !strings.Contains(bad.Hint(), "ROUND") ||
		strings.Contains(err.Error(), "12.3") {
		t.Errorf("got %v", err)
	}
}

// When the cache's connection breaks, CopyFrom returns while its goroutine still reads.
func TestReader_ClosesUnderARead(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	db := pgtest.New(t)
	cache, admin := db.Pool(t), db.AdminPool(t)
	s := mustOpen(t, config(t, w))
	w.Throttle(20)
	r := mustRead(t, s, broad, word)
	copied := make(chan error, 1)
	go func() {
		_, err := load(t, cache, "t", "v varchar(65000)", r)
		copied <- err
	}()
	await(t, func() bool {
		return r.Rows() > 1 && mustText(t, admin, `
			SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity
			WHERE datname = current_database() AND query LIKE 'COPY%' AND pid <> pg_backend_pid()`) != "0"
	})
	if err := <-copied; err == nil {
		t.Error("the copy came to its end")
	}
	begin := time.Now()
	r.Close()
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("it took %v to close", took)
	}
	w.Throttle(0)
	if err := s.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the session after: %v", err)
	}
}
