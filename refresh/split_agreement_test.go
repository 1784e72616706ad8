package refresh_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// splitView is a view of a table that two sessions share.
func (b *bundle) splitView(query string, strategy catalog.Strategy) catalog.View {
	v := b.view("shared", query, strategy)
	v.Transport, v.Split, v.Sessions, v.AllowShrink = catalog.StreamTransport, "id", 2, 100
	if strategy == catalog.Merge {
		v.Key = []string{"id"}
	}
	return v
}

// wantOneSession refreshes a view, and wants all of its rows to have come through one session for a reason.
func (b *bundle) wantOneSession(t *testing.T, v catalog.View, reason string) {
	t.Helper()
	run := b.refresh(t, refresh.Request{View: v.Name})
	b.wantEqual(t, v)
	if got := reasonOf(run); !strings.Contains(got, "read through one session: ") || !strings.Contains(got, reason) {
		t.Errorf("reason is %q, want one about %q", got, reason)
	}
}

// What arrives is what the sessions agreed on, or it does not stay: here the source answers those who read with other
// rows than those who ask for a hash, as many, more, or fewer.
func TestSplit_KeepsOnlyWhatTheSessionsAgreedOn(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]string{
		"as many": "id % 2 = CASE WHEN current_query() LIKE '%redcache_hash%' THEN 1 ELSE 0 END",
		"more":    "id % 2 = 0 OR current_query() LIKE '%redcache_hash%'",
		"fewer":   "id % 2 = 0 AND (id > 50 OR current_query() NOT LIKE '%redcache_hash%')",
		"none":    "id % 2 = 0 AND current_query() NOT LIKE '%redcache_hash%'",
	} {
		for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge} {
			t.Run(fmt.Sprint(name, " ", strategy), func(t *testing.T) {
				t.Parallel()
				b := setup(t, "CREATE TABLE public.item (id bigint, note varchar(20))", "INSERT INTO public.item SELECT i, 'note ' || i FROM generate_series(1, 1000) i",
					"CREATE VIEW public.moving AS SELECT id, note FROM public.item WHERE "+rows)
				v := b.splitView("SELECT id, note FROM public.moving", strategy)
				b.add(t, v)
				b.wantEqual(t, v)
				b.change(t, "UPDATE public.item SET note = 'new' WHERE id <= 100")
				b.wantOneSession(t, v, "rows arrived that are not the 500 that the sessions agreed on")
				b.wantNothingLeft(t)
			})
		}
	}
}

// A query that may give each session other rows of the same tables is not shared out.
func TestSplit_IsNotForQueriesThatMove(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	for _, tt := range []struct{ query, reason string }{
		{"SELECT id, note FROM public.item ORDER BY id LIMIT 100", "LIMIT takes some of many rows"},
		{"SELECT id, note FROM (SELECT id, note FROM public.item ORDER BY id OFFSET 10) x", "OFFSET takes some of many rows"},
		{"SELECT id, note FROM public.item WHERE getdate() > '2000-01-01'", "getdate"},
		{"SELECT id, note, row_number() OVER () - row_number() OVER () AS n FROM public.item", "row_number counts rows in no order"},
	} {
		v := b.splitView(tt.query, catalog.Swap)
		b.add(t, v)
		b.wantOneSession(t, v, tt.reason)
		if err := b.definer.Drop(t.Context(), v.Name); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range b.source.Statements() {
		if strings.Contains(s.SQL, "FNV_HASH") {
			t.Errorf("the source was asked for a hash: %s", s.SQL)
		}
	}
}

// What Redshift refuses on the way to a split, or cannot be divided, leaves the snapshot in which everything is read.
func TestSplit_ReadsOnAfterWhatWasRefused(t *testing.T) {
	t.Parallel()
	overflow := redshiftsim.EngineError{Code: "22003", Message: "Overflow"}
	for name, tt := range map[string]struct {
		typ, rows, fails, reason string
	}{
		"a hash":               {"bigint", "(1), (2), (3)", "FNV_HASH", "read from Redshift"},
		"a range":              {"bigint", "(1), (2), (3)", "MIN(", "read from Redshift"},
		"days without a start": {"date", "('-infinity'), ('2026-01-01')", "", "no lowest or no highest"},
		"days without an end":  {"date", "('2026-01-01'), ('infinity'), ('-infinity')", "", "no lowest or no highest"},
		"moments without ends": {"timestamp", "('-infinity'), ('infinity')", "", "no lowest or no highest"},
		"zoned without ends":   {"timestamptz", "('-infinity'), ('infinity')", "", "no lowest or no highest"},
		"no number":            {"numeric(10,2)", "(1), ('NaN')", "", "no lowest or no highest"},
		"no value":             {"date", "(NULL), (NULL)", "", "has no values"},
		"another session":      {"bigint", "(1), (2), (3)", "login", "connection limit"},
	} {
		for _, grouped := range []string{"", "g"} {
			t.Run(name+grouped, func(t *testing.T) {
				t.Parallel()
				b := setup(t, "CREATE TABLE public.item (id "+tt.typ+")", "INSERT INTO public.item VALUES "+tt.rows)
				v := b.splitView("SELECT id FROM public.item", catalog.Swap)
				v.Group = grouped
				if grouped != "" {
					other := b.view("first", "SELECT count(*) AS n FROM public.item", catalog.Swap)
					other.Group = grouped
					b.add(t, other)
				}
				b.add(t, v)
				switch tt.fails {
				case "":
				case "login":
					b.source.LimitSessions(1)
				default:
					b.source.FailNext(tt.fails, overflow)
				}
				b.wantOneSession(t, v, tt.reason)
				b.wantNothingLeft(t)
			})
		}
	}
}

// The ends of each type, and what lies between them beyond what the type can say of a difference, is shared out.
func TestSplit_SharesOutTheWholeRangeOfAType(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for typ, ends := range map[string]string{
		"bigint":         "(-9223372036854775808), (9223372036854775807)",
		"integer":        "(-2147483648), (2147483647)",
		"smallint":       "(-32768), (32767)",
		"numeric(38,0)":  "(-99999999999999999999999999999999999999), (99999999999999999999999999999999999999)",
		"numeric(38,37)": "(-9.9999999999999999999999999999999999999), (9.9999999999999999999999999999999999999)",
		"numeric(10,2)":  "(1), (2.25)",
		"date":           "('4713-01-01 BC'), ('294276-12-31')",
		"timestamp":      "('4713-01-01 00:00:00 BC'), ('294276-12-31 23:59:59.999999')",
		"timestamptz":    "('4713-01-01 00:00:00+00 BC'), ('294276-12-31 23:59:59.999999+00')",
	} {
		table := `public."` + typ + `"`
		b.change(t, "CREATE TABLE "+table+" (id "+typ+", n integer)")
		b.change(t, "INSERT INTO "+table+" (id) VALUES "+ends+", (NULL), (NULL)")
		v := b.splitView("SELECT id, n FROM "+table, catalog.Swap)
		v.Name.View, v.Sessions = typ, 3
		run := b.add(t, v)
		b.wantEqual(t, v)
		if got := reasonOf(run); !strings.Contains(got, "read through 3 sessions") {
			t.Errorf("%s: reason is %q", typ, got)
		}
	}
	b.wantNothingLeft(t)
}

// truncates empties a table as soon as a statement with the text has run, while each further one waits for a moment; it
// returns a channel that says when the table is empty.
func (b *bundle) truncates(t *testing.T, table, text string) <-chan error {
	t.Helper()
	b.source.Delay(200 * time.Millisecond)
	t.Cleanup(func() { b.source.Delay(0) })
	from := len(b.source.Statements())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	emptied := make(chan error, 1)
	go func() {
		defer close(emptied)
		for ctx.Err() == nil {
			for _, s := range b.source.Statements()[from:] {
				if strings.Contains(s.SQL, text) && !s.End.IsZero() {
					_, err := b.source.Engine.Exec(ctx, "TRUNCATE "+table)
					emptied <- err
					return
				}
			}
			time.Sleep(time.Millisecond) // the log of the source tells nobody
		}
		emptied <- ctx.Err()
	}()
	return emptied
}

// A TRUNCATE that waits for the first session keeps the second from its locks. The second does not wait for long.
func TestSplit_DoesNotWaitForItself(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	v := b.splitView("SELECT id, note FROM public.item", catalog.Swap)
	b.add(t, v)
	before := rows(t, b.source.Engine, v.Query)
	emptied := b.truncates(t, "public.item", "WHERE 1 = 0")
	started := time.Now()
	run := b.refresh(t, refresh.Request{View: v.Name})
	if took := time.Since(started); took > v.Timeout/2 {
		t.Errorf("the refresh took %s", took)
	}
	b.wantRows(t, v, before)
	if got := reasonOf(run); !strings.Contains(got, "read through one session: ") || !strings.Contains(got, "does not get the locks") {
		t.Errorf("reason is %q", got)
	}
	if err := <-emptied; err != nil {
		t.Fatal(err)
	}
	b.source.Delay(0)
	b.wantNothingLeft(t)
}

// The session that looks for examples of bad rows does not wait for somebody who waits for the session that found them.
func TestStream_ExamplesDoNotWaitForTheRead(t *testing.T) {
	t.Parallel()
	b := setup(t, batchSQL...)
	b.change(t, "CREATE VIEW public.twice AS SELECT id, note FROM public.item UNION ALL SELECT id, note FROM public.item WHERE id = 7 AND current_query() LIKE '%AS q'")
	v := b.view("twice", "SELECT id, note FROM public.twice", catalog.Swap)
	v.Key, v.Transport, v.SkipUnchanged, v.AllowShrink = []string{"id"}, catalog.StreamTransport, catalog.SkipContent, 100
	b.change(t, "ALTER TABLE public.item ADD extra integer")
	if _, err := b.definer.Add(t.Context(), v, true, nil); err != nil {
		t.Fatal(err)
	}
	emptied := b.truncates(t, "public.item", "COUNT(*)")
	started := time.Now()
	_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil || !strings.Contains(err.Error(), "its key id repeats") {
		t.Errorf("got %v, want a repeated key", err)
	}
	if took := time.Since(started); took > v.Timeout/2 {
		t.Errorf("the refresh took %s", took)
	}
	if err := <-emptied; err != nil {
		t.Fatal(err)
	}
	b.source.Delay(0)
	b.wantNothingLeft(t)
}
