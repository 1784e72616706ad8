package refresh_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// refuse adds a view that cannot be filled, and expects an error with the words and nothing left of the attempt.
func (b *bundle) refuse(t *testing.T, v catalog.View, words ...string) {
	t.Helper()
	_, err := b.definer.Add(t.Context(), v, false, nil)
	if err == nil {
		t.Errorf("view %s was added", v.Name)
		return
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not say %q: %v", word, err)
		}
	}
	if infra.Hint(err) == "" {
		t.Errorf("no hint for: %v", err)
	}
	left := rows(t, b.pool, `SELECT view_name FROM redcache.view UNION ALL
		SELECT relname FROM pg_class WHERE relnamespace = 'redcache_data'::regnamespace UNION ALL
		SELECT nspname FROM pg_namespace WHERE nspname = 'bi'`)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAdd_RefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	b := setup(t, append(salesSQL,
		`CREATE TABLE public.dup AS SELECT i % 4 AS id, i AS n, timestamp '2026-01-01' AS at FROM generate_series(1, 10) i`,
		`CREATE TABLE public.nulls AS SELECT nullif(i % 3, 0) AS id, i AS n, timestamp '2026-01-01' AS at FROM generate_series(1, 10) i`,
		`CREATE TABLE public.bad AS SELECT 7 AS id, 'x`+redshiftsim.InvalidByteMarker+`'::varchar(10) AS t, timestamp '2026-01-01' AS at`)...)
	b.change(t, `CREATE TABLE public.odd AS SELECT 1 AS id, '10.0.0.1'::inet AS address`)
	if _, err := b.pool.Exec(t.Context(), `CREATE SCHEMA theirs CREATE TABLE sales (id int)`); err != nil {
		t.Fatal(err)
	}
	query := func(q string) catalog.View { return b.view("refused", q, catalog.Nonconcurrent) }
	keyed := func(q string, strategy catalog.Strategy, key ...string) catalog.View {
		v := b.view("refused", q, strategy)
		v.Key = key
		if strategy == catalog.Incremental {
			v.Watermark = "at"
		}
		return v
	}
	all := "SELECT * FROM public."
	index := query(all + "sales")
	index.Indexes = []string{"nope"}
	two := query(all + "sales")
	two.Indexes = []string{"id); DROP TABLE redcache.run; --"}
	role := query(all + "sales")
	role.Grantees = []string{"nobody here"}
	taken := query(all + "sales")
	taken.Name = catalog.Name{Schema: "information_schema", View: "tables"}
	theirs := query(all + "sales")
	theirs.Name = catalog.Name{Schema: "theirs", View: "sales"}
	for _, tt := range []struct {
		name  string
		view  catalog.View
		words []string
	}{
		{"two statements", query("SELECT 1 AS a; SELECT 2 AS b"), []string{"semicolon"}},
		{"no select", query("DELETE FROM public.sales"), []string{"SELECT"}},
		{"a parenthesis too many", query("SELECT 1 AS a) q; DROP TABLE x; --"), nil},
		{"two columns of a name", query("SELECT id, id FROM public.sales"), []string{"id"}},
		{"no name", query("SELECT id + 1 FROM public.sales"), []string{"?column?"}},
		{"a long name", query("SELECT id AS " + strings.Repeat("x", 64) + " FROM public.sales"), []string{"64"}},
		{"a missing table", query(all + "nope"), []string{"nope"}},
		{"a missing key", keyed(all+"sales", catalog.Concurrent, "nope"), []string{"nope"}},
		{"no key", keyed(all+"sales", catalog.Concurrent), []string{"key"}},
		{"repeated keys", keyed(all+"dup", catalog.Concurrent, "id"), []string{"its key id repeats", "id = ", "rows)"}},
		{"null keys", keyed(all+"nulls", catalog.Concurrent, "id", "n"), []string{"NULL", "id = NULL, n = 3"}},
		{"null keys of an upsert", keyed(all+"nulls", catalog.Incremental, "id"), []string{"NULL", "id = NULL"}},
		{"invalid UTF-8", keyed(all+"bad", catalog.Concurrent, "id"), []string{"UTF-8", "column t", "id = 7"}},
		{"invalid UTF-8 in an upsert", keyed(all+"bad", catalog.Incremental, "id"), []string{"UTF-8", "column t", "id = 7"}},
		{"a bad index", index, []string{"create index nope"}},
		{"two commands in an index", two, []string{"create index"}},
		{"a role that does not exist", role, []string{"nobody here"}},
		{"the name of another relation", theirs, []string{"theirs.sales", "a relation of that name exists"}},
		{"a type without counterpart", query(all + "odd"), []string{`column "address" has type inet`}},
		{"a schema of others", taken, []string{"information_schema"}},
	} {
		t.Run(tt.name, func(t *testing.T) { b.refuse(t, tt.view, tt.words...) })
	}
	b.wantNothingLeft(t)
}

func TestRefresh_BadRowsLaterKeepTheOldOnes(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Nonconcurrent, catalog.Concurrent, catalog.Incremental} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, salesSQL...)
			v := b.salesView(strategy)
			v.Key = []string{"id"}
			b.add(t, v)
			for name, tt := range map[string]struct {
				row    string
				want   string
				repair string
			}{
				"null key":     {`(NULL, 'r', 1, NULL, '2026-02-01')`, "its key id is NULL", ""},
				"invalid text": {`(5000, 'r', 1, 'a` + redshiftsim.InvalidByteMarker + `', '2026-02-01')`, "column note where id = 5000", ""},
				"repeated key": {`(1, 'r', 1, NULL, '2020-02-01')`, "id = 1 (2 rows)", ""},
			} {
				if name == "repeated key" && strategy == catalog.Incremental {
					continue // duplicates are settled
				}
				before := rows(t, b.pool, "SELECT * FROM "+v.Name.SQL())
				b.change(t, "INSERT INTO public.sales VALUES "+tt.row)
				run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
				if err == nil || run.State != catalog.Failed || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s: got %s, %v; want a failure about %q", name, run.State, err, tt.want)
				}
				b.wantRows(t, v, before)
				b.change(t, "DELETE FROM public.sales WHERE region = 'r'")
			}
			b.refresh(t, refresh.Request{View: v.Name})
			b.wantEqual(t, v)
			b.wantNothingLeft(t)
		})
	}
}

func TestRefresh_NulBytesAreStripped(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.nul AS SELECT 1 AS id, 'before`+redshiftsim.NULMarker+`after'::varchar(20) AS t`)
	v := b.view("nul", "SELECT * FROM public.nul", catalog.Nonconcurrent)
	b.add(t, v)
	if got := rows(t, b.pool, "SELECT t FROM bi.nul"); !slices.Equal(got, []string{`"beforeafter" `}) {
		t.Errorf("got %v", got)
	}
	v.Name.View, v.NulBytes = "trusting", catalog.TrustNul
	b.add(t, v)
	if got := rows(t, b.pool, "SELECT t FROM bi.trusting"); !slices.Equal(got, []string{`"before" `}) {
		t.Errorf("got %v: what libpq does with NUL bytes has changed", got)
	}
}

func TestRefresh_ASourceThatChangesItsColumns(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE public.wide AS SELECT 1 AS id, 2::smallint AS n`)
	v := b.view("wide", "SELECT * FROM public.wide", catalog.Nonconcurrent)
	b.add(t, v)
	b.change(t, "ALTER TABLE public.wide ALTER n TYPE bigint, ADD extra int")
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantRows(t, v, []string{`"1" "2" `})
	b.change(t, "UPDATE public.wide SET n = 40000")
	_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil || !strings.Contains(err.Error(), "40000") || !strings.Contains(infra.Hint(err), "--describe") {
		t.Errorf("a number that does not fit: %v, hint %q", err, infra.Hint(err))
	}
	b.wantRows(t, v, []string{`"1" "2" `})
	if _, err := b.definer.Alter(t.Context(), v.Name, func(*catalog.View) error { return nil }, false, nil); err != nil {
		t.Fatal(err)
	}
	b.wantEqual(t, v)
}

// Whatever a column of the source has become, what helps is to describe it again.
func TestRefresh_ASourceThatChangesItsTypes(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		for _, transport := range transportsOf(strategy) {
			t.Run(string(strategy)+" "+string(transport), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				for i, change := range []struct{ from, to, using string }{
					{"varchar(9)", "integer", "length(v)"},
					{"integer", "varchar(9)", "'seven'"},
					{"timestamp", "varchar(9)", "'today?'"},
					{"numeric(10,2)", "timestamp", "timestamp '2026-01-01'"},
					{"boolean", "varchar(9)", "'perhaps'"},
					{"varchar(9)", "super", "'7'"},
				} {
					table := fmt.Sprintf("public.typed%d", i)
					b.change(t, "CREATE TABLE "+table+" (id integer, at timestamp, v "+change.from+")")
					b.change(t, "INSERT INTO "+table+" VALUES (1, '2026-01-01', NULL)")
					v := b.view(fmt.Sprintf("typed%d", i), "SELECT * FROM "+table, strategy)
					v.Key, v.Transport = []string{"id"}, transport
					if strategy == catalog.Incremental {
						v.Watermark = "at"
					}
					b.add(t, v)
					b.change(t, "ALTER TABLE "+table+" ALTER v TYPE "+change.to+" USING "+change.using)
					_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
					if err != nil && !strings.Contains(infra.Hint(err), "--describe") {
						t.Errorf("%s that is %s now: %v, hint %q", change.from, change.to, err, infra.Hint(err))
					}
					b.set(t, v, func(*catalog.View) {})
					b.refresh(t, refresh.Request{View: v.Name})
					b.wantEqual(t, v)
				}
			})
		}
	}
}
