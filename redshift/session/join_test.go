package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// join starts each query on a session of its own, and joins them. The sessions are there after the join is closed.
func join(ctx context.Context, t *testing.T, w *redshiftsim.Warehouse, column redshift.Column, queries ...string) (
	*session.Joined, []*session.Session,
) {
	t.Helper()
	var sessions []*session.Session
	var readers []*session.Reader
	for _, sql := range queries {
		s := mustOpen(t, config(t, w))
		r, err := s.Read(ctx, sql, []redshift.Column{column}, session.StripNUL)
		if err != nil {
			t.Fatal(err)
		}
		sessions, readers = append(sessions, s), append(readers, r)
	}
	j := session.Join(readers)
	t.Cleanup(j.Close)
	return j, sessions
}

// wantGivenBack wants the source to have stopped working, and the sessions to be good for the next statement.
func wantGivenBack(t *testing.T, w *redshiftsim.Warehouse, sessions []*session.Session) {
	t.Helper()
	if working(t, w) {
		t.Error("the source works on")
	}
	for n, s := range sessions {
		if err := s.Exec(t.Context(), "SELECT 1"); err != nil {
			t.Errorf("session %d after: %v", n, err)
		}
	}
}

// stuck sends less than a reader hands out at once, and then computes for as long as it is let.
const stuck = "SELECT CASE WHEN i < 1000 THEN i ELSE (" + endless + ") END AS v FROM generate_series(1, 1000) AS i"

func series(from, to int) string {
	return fmt.Sprintf("SELECT NULLIF(i, 7) AS v FROM generate_series(%d, %d) AS i", from, to)
}

func TestJoin_YieldsTheRowsOfAll(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	cache := pgtest.New(t).Pool(t)
	for n, parts := range [][]string{
		{series(1, 100_000)},
		{series(1, 60_000), series(60_001, 60_000), series(60_001, 60_001), series(60_002, 100_000)}, // the second has none
		{series(1, 0), series(1, 0)},
	} {
		var alone int64
		for _, sql := range parts {
			r := mustRead(t, mustOpen(t, config(t, w)), sql, number)
			if _, err := io.Copy(io.Discard, r); err != nil {
				t.Fatal(err)
			}
			alone += r.Bytes()
		}
		j, sessions := join(t.Context(), t, w, number, parts...)
		table := fmt.Sprint("t", n)
		copied, err := load(t, cache, table, "v integer", j)
		if err != nil {
			t.Fatalf("%q: %v, %v", parts, err, j.Err())
		}
		want := int64(100_000)
		if len(parts) == 2 {
			want = 0
		}
		if copied != want || j.Rows() != want || j.Bytes() != alone || j.Err() != nil {
			t.Errorf("%q: %d rows were copied, %d read, and %d bytes, %v; want %d and %d",
				parts, copied, j.Rows(), j.Bytes(), j.Err(), want, alone)
		}
		const sums = `SELECT concat_ws(' ', count(*), count(v), count(DISTINCT v), sum(v)) FROM `
		if got, all := mustText(t, cache, sums+table), mustText(t, w.Engine, sums+`(`+series(1, int(want))+`) t`); got != all {
			t.Errorf("%q: rows, values, distinct ones and their sum are %s, want %s", parts, got, all)
		}
		j.Close()
		wantGivenBack(t, w, sessions)
	}
}

// Rows come as they are there: a part that still computes keeps no other one waiting.
func TestJoin_WaitsForNoneInParticular(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	j, sessions := join(t.Context(), t, w, number, stuck, series(1, 100_000))
	const most, row = 100_000, 2 + 4 + 4 // of a binary COPY
	if _, err := io.CopyN(io.Discard, j, most*row); err != nil || j.Rows() < most {
		t.Errorf("got %d rows, %v", j.Rows(), err)
	}
	if !working(t, w) {
		t.Error("the other part has ended")
	}
	j.Close()
	wantGivenBack(t, w, sessions)
}

func TestJoin_OneThatFailsEndsAll(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	cache := pgtest.New(t).Pool(t)
	j, sessions := join(t.Context(), t, w, number, series(1, 50_000), stuck,
		"SELECT 1 / (i - 5000) AS v FROM generate_series(1, 10000) AS i")
	n, err := load(t, cache, "t", "v integer", j)
	if err == nil || n != 0 || sqlstate(j.Err()) != "22012" {
		t.Errorf("the copy took %d rows, %v; the source failed with %v, want a division by zero", n, err, j.Err())
	}
	j.Close()
	wantGivenBack(t, w, sessions)
}

func TestJoin_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	j, sessions := join(ctx, t, w, word, broad, broad)
	if _, err := io.CopyN(io.Discard, j, 1_000_000); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.Copy(io.Discard, j); !errors.Is(err, context.Canceled) || !errors.Is(j.Err(), context.Canceled) {
		t.Errorf("got %v, then %v, want a canceled context", err, j.Err())
	}
	j.Close()
	wantGivenBack(t, w, sessions)
}

func TestJoin_ClosesInTheMidstOfRows(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	for _, read := range []int64{0, 1, 1_000_000} {
		j, sessions := join(t.Context(), t, w, word, broad, broad, broad)
		if _, err := io.CopyN(io.Discard, j, read); err != nil {
			t.Fatal(err)
		}
		j.Close()
		j.Close() // once more does no harm
		if _, err := io.Copy(io.Discard, j); err == nil {
			t.Errorf("after %d bytes, a closed join goes on to its end", read)
		}
		wantGivenBack(t, w, sessions)
	}
}

// A part that waits on the server until another one has been read keeps that one not waiting.
func TestJoin_StartsEachBesideTheOthers(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	turn := make(chan struct{})
	start := func(s *session.Session, sql string, after <-chan struct{}) session.Start {
		return func(ctx context.Context) (*session.Reader, error) {
			select {
			case <-after:
				return s.Read(ctx, sql, []redshift.Column{number}, session.StripNUL)
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
	}
	now := make(chan struct{})
	close(now)
	sessions := []*session.Session{mustOpen(t, config(t, w)), mustOpen(t, config(t, w)), mustOpen(t, config(t, w))}
	j := session.JoinStarting(t.Context(), []session.Start{
		start(sessions[0], series(100_001, 100_010), turn), start(sessions[1], series(1, 100_000), now),
	})
	t.Cleanup(j.Close)
	const most, row = 99_000, 2 + 4 + 4 // of a binary COPY
	if _, err := io.CopyN(io.Discard, j, most*row); err != nil {
		t.Fatal(err)
	}
	close(turn)
	if _, err := io.Copy(io.Discard, j); err != nil || j.Rows() != 100_010 || j.Err() != nil {
		t.Errorf("read %d rows, %v, %v", j.Rows(), err, j.Err())
	}
	j.Close()
	wantGivenBack(t, w, sessions[:2])

	// One that never gets its turn ends with the others, and what ended them is the reason.
	j = session.JoinStarting(t.Context(), []session.Start{
		start(sessions[0], series(1, 10), make(chan struct{})), start(sessions[1], "SELECT 1 / 0 AS v", now), start(sessions[2], stuck, now),
	})
	if _, err := io.Copy(io.Discard, j); sqlstate(err) != "22012" || sqlstate(j.Err()) != "22012" {
		t.Errorf("got %v and %v, want a division by zero", err, j.Err())
	}
	j.Close()
	wantGivenBack(t, w, sessions)

	j = session.JoinStarting(t.Context(), []session.Start{start(sessions[0], series(1, 10), make(chan struct{}))})
	j.Close() // before anybody has read
	if _, err := io.Copy(io.Discard, j); err == nil {
		t.Error("a closed join goes on to its end")
	}
}

// The hashes of all rows add up, whatever their order, and go no further.
func TestJoin_AddsUpTheHashes(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	cache := pgtest.New(t).Pool(t)
	var starts []session.Start
	for _, sql := range []string{
		"SELECT i AS v, 9223372036854775807 AS redcache_hash FROM generate_series(1, 3) AS i", "SELECT i AS v, -1::bigint AS redcache_hash FROM generate_series(4, 5) AS i",
		"SELECT i AS v, 7::bigint AS redcache_hash FROM generate_series(1, 0) AS i",
	} {
		s := mustOpen(t, config(t, w))
		starts = append(starts, func(ctx context.Context) (*session.Reader, error) {
			return s.ReadHashed(ctx, sql, []redshift.Column{number}, session.StripNUL)
		})
	}
	j := session.JoinStarting(t.Context(), starts)
	defer j.Close()
	n, err := load(t, cache, "t", "v integer", j)
	least := int64(9223372036854775807)
	if want := 3*uint64(least) - 2; err != nil || n != 5 || j.Hash() != want {
		t.Errorf("copied %d rows, %v, hash %d, want %d", n, err, j.Hash(), want)
	}
	if got := mustText(t, cache, "SELECT string_agg(v::text, ' ' ORDER BY v) FROM t"); got != "1 2 3 4 5" {
		t.Errorf("got %s", got)
	}
	s := mustOpen(t, config(t, w))
	for _, sql := range []string{"SELECT 1 AS v", "SELECT 1 AS v, 2::bigint AS other", "SELECT 1 AS v, 2::integer AS redcache_hash"} {
		if r, err := s.ReadHashed(t.Context(), sql, []redshift.Column{number}, session.StripNUL); err == nil {
			r.Close()
			t.Errorf("%s: has a hash", sql)
		}
	}
	if r, err := s.ReadHashed(t.Context(), "SELECT 1 AS v, NULL::bigint AS redcache_hash", []redshift.Column{number}, session.StripNUL); err != nil {
		t.Error(err)
	} else if _, err := io.Copy(io.Discard, r); err == nil {
		t.Error("a row without a hash is taken")
	}
}
