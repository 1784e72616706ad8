package corpus_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redcache/redcache/internal/corpus"
	"github.com/redcache/redcache/redshift"
)

func TestQueries_AreManyAndDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, query := range corpus.All() {
		if seen[query.SQL] {
			t.Errorf("%q is there twice", query.SQL)
		}
		seen[query.SQL] = true
	}
	if len(seen) < 250 {
		t.Errorf("there are %d", len(seen))
	}
}

func TestQueries_AreRefusedWithTheReasonOrAccepted(t *testing.T) {
	t.Parallel()
	for _, query := range corpus.All() {
		_, err := redshift.ReadQuery(query.SQL)
		switch {
		case query.Refused == "" && err != nil:
			t.Errorf("%q: %v", query.SQL, err)
		case query.Refused != "" && err == nil:
			t.Errorf("%q: accepted", query.SQL)
		case query.Refused != "" && !strings.Contains(err.Error(), query.Refused):
			t.Errorf("%q: got %v, want %s", query.SQL, err, query.Refused)
		}
	}
}

// accepted calls fn with each query that can be read, as it is kept.
func accepted(fn func(query corpus.Query, sql string)) {
	for _, query := range corpus.All() {
		if sql, err := redshift.ReadQuery(query.SQL); err == nil {
			fn(query, sql)
		}
	}
}

func TestQueries_MoveByTheWordOrNotAtAll(t *testing.T) {
	t.Parallel()
	accepted(func(query corpus.Query, sql string) {
		if word, moves := redshift.Volatile(sql); word != query.Moves || moves != (query.Moves != "") {
			t.Errorf("%s: got %q, want %q", sql, word, query.Moves)
		}
	})
}

func TestQueries_ReadWhatTheyName(t *testing.T) {
	t.Parallel()
	accepted(func(query corpus.Query, sql string) {
		if got := reads(sql); !matches(got, query.Reads) {
			t.Errorf("%s: got %s, want %s", sql, got, query.Reads)
		}
	})
}

// What is put around a query must neither be swallowed by it nor change what it reads.
func TestQueries_StayWholeWithinAStatement(t *testing.T) {
	t.Parallel()
	accepted(func(query corpus.Query, sql string) {
		for _, statement := range []string{redshift.RangeSQL(sql, `"x"`), redshift.Limited(sql, 5), redshift.Limited(redshift.Limited(sql, 5), 6)} {
			if err := redshift.CheckQuery(statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
			if got := reads(statement); !matches(got, query.Reads) {
				t.Errorf("%s: got %s, want %s", statement, got, query.Reads)
			}
			if _, limits := redshift.Limits(redshift.Limited(sql, 5)); !limits {
				t.Errorf("%s: its limit is not seen", statement)
			}
		}
	})
}

// reads returns what a query reads in the form of [corpus.Query].
func reads(sql string) string {
	found, err := redshift.ReadsIn(sql, "dw")
	if untrusted := (*redshift.UntrustedError)(nil); errors.As(err, &untrusted) {
		return "? " + untrusted.Reason
	}
	names := make([]string, len(found.Relations))
	for i, relation := range found.Relations {
		names[i] = relation.Schema + "." + relation.Name
	}
	return strings.Join(names, " ")
}

func matches(got, want string) bool {
	if reason, unknown := strings.CutPrefix(want, "? "); unknown {
		return strings.HasPrefix(got, "? ") && strings.Contains(got, reason)
	}
	return got == want
}
