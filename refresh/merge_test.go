package refresh_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// wantWritten holds the counts of a run against what should have been written.
func wantWritten(t testing.TB, run catalog.Run, inserted, updated, deleted int64) {
	t.Helper()
	if *run.RowsInserted != inserted || *run.RowsUpdated != updated || *run.RowsDeleted != deleted {
		t.Errorf("inserted %d, updated %d, deleted %d; want %d, %d, %d",
			*run.RowsInserted, *run.RowsUpdated, *run.RowsDeleted, inserted, updated, deleted)
	}
}

func TestMerge_WritesTheDifferenceAndNothingElse(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport catalog.Transport) {
		b := setup(t, salesSQL...)
		v := b.salesView(catalog.Merge)
		v.Transport, v.Indexes = transport, []string{"region"}
		b.add(t, v)
		const untouched = "SELECT id, ctid, xmin, xmax FROM redcache_data.v1_g1 WHERE id > 20 AND id <= 1000"
		before := rows(t, b.pool, untouched)
		for _, step := range []struct {
			change                     string
			inserted, updated, deleted int64
		}{
			{`SELECT`, 0, 0, 0},
			{`UPDATE public.sales SET region = region`, 0, 0, 0},
			{`INSERT INTO public.sales VALUES (1001, 'new', 1, NULL, NULL), (1002, NULL, NULL, NULL, NULL)`, 2, 0, 0},
			{`UPDATE public.sales SET note = '' WHERE id IN (5, 10)`, 0, 2, 0}, // they were NULL
			{`UPDATE public.sales SET region = NULL, amount = amount + 0.0001 WHERE id <= 3`, 0, 3, 0},
			{`DELETE FROM public.sales WHERE id BETWEEN 6 AND 9`, 0, 0, 4},
			{`UPDATE public.sales SET id = id + 5000 WHERE id IN (11, 12)`, 2, 0, 2},
			{`UPDATE public.sales SET id = 33 - id WHERE id IN (15, 18)`, 0, 2, 0}, // two swap their keys
		} {
			b.change(t, step.change)
			run := b.refresh(t, refresh.Request{View: v.Name})
			wantWritten(t, run, step.inserted, step.updated, step.deleted)
			b.wantEqual(t, v)
			if t.Failed() {
				t.Fatalf("after %s", step.change)
			}
		}
		if after := rows(t, b.pool, untouched); !slices.Equal(after, before) {
			t.Error("rows that had not changed were written")
		}
		b.wantNothingLeft(t)
	})
}

func TestMerge_StandsInNobodysWay(t *testing.T) {
	t.Parallel()
	b, v := batches(t, catalog.Merge, catalog.StreamTransport)
	old := b.oldReader(t)
	reader := b.longReader(t, v)
	keeper := b.begun(t, "SELECT FROM redcache.state FOR UPDATE") // of the row that the run has to write at its end
	b.change(t, "UPDATE public.item SET note = 'changed' WHERE id = 7")
	refreshing := b.refreshing(t.Context(), refresh.Request{View: v.Name})
	b.untilSome(t, `SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`) // the run comes to its end
	const held = `
		SELECT DISTINCT l.relation::regclass, l.mode FROM pg_locks l
		WHERE l.relation IN ('redcache_data.v1_g1'::regclass, 'redcache_data.v1_g1_key'::regclass, 'bi.item'::regclass)
		  AND l.pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')`
	for _, line := range rows(t, b.pool, held) {
		if !strings.Contains(line, "AccessShareLock") && !strings.Contains(line, "RowExclusiveLock") {
			t.Errorf("a merge holds the lock %s", line)
		}
	}
	b.wantBatch(t, v, 0) // readers do not even wait for the commit
	leave(t, keeper)
	if run := wantSucceeded(t, refreshing); *run.RowsUpdated != 1 {
		t.Errorf("%d rows were updated", *run.RowsUpdated)
	}
	b.wantEqual(t, v)
	for _, tt := range []struct {
		tx   pgx.Tx
		want string
	}{{old, "note 7"}, {reader, "changed"}} {
		var note string
		err := tt.tx.QueryRow(t.Context(), "SELECT note FROM bi.item WHERE id = 7").Scan(&note)
		if err != nil || note != tt.want {
			t.Errorf("a transaction sees %q, %v, want %q", note, err, tt.want)
		}
		leave(t, tt.tx)
	}
	b.wantNothingLeft(t)
}

// Values that are equal and not the same, and the other way round.
func TestMerge_ComparesWhatIsStored(t *testing.T) {
	t.Parallel()
	eachTransport(t, func(t *testing.T, transport catalog.Transport) {
		b := setup(t, `CREATE TABLE public.odd (id int, n numeric, d double precision, r real, i interval, j super,
			s varchar(10), c char(4), z timetz, y varbyte(10))`,
			`INSERT INTO public.odd (id) VALUES (1), (2)`)
		v := b.view("odd", "SELECT * FROM public.odd", catalog.Merge)
		v.Key, v.Transport = []string{"id"}, transport
		b.add(t, v)
		for _, step := range []struct {
			column, value, want string
			updated             int64
		}{
			{"n", "1.0", "1.0", 1},
			{"n", "1.00", "1.00", 1},
			{"n", "0", "0", 1},
			{"n", "0.0", "0.0", 1},
			{"d", "0", "0", 1},
			{"d", "-0", "-0", 1},
			{"d", "NaN", "NaN", 1},
			{"d", "NaN", "NaN", 0},
			{"d", "Infinity", "Infinity", 1},
			{"r", "0", "0", 1},
			{"r", "-0", "-0", 1},
			{"i", "1 day", "1 day", 1},
			{"i", "24 hours", "24:00:00", 1},
			{"i", "30 days", "30 days", 1},
			{"i", "1 month", "1 mon", 1},
			{"s", "", "", 1},
			{"s", " ", " ", 1},
			{"s", "é", "é", 1},
			{"s", "e\u0301", "e\u0301", 1},
			{"c", "a", "a", 1},
			{"c", "a ", "a", 0}, // padded to the same
			{"j", `{"a": 1.0, "b": null}`, `{"a": 1.0, "b": null}`, 1},
			{"j", `{"b":null,"a":1.0}`, `{"a": 1.0, "b": null}`, 0}, // kept as the same
			{"j", `{"b":null,"a":1.00}`, `{"a": 1.00, "b": null}`, 1},
			{"z", "12:00+00", "12:00:00+00", 1},
			{"z", "13:00+01", "13:00:00+01", 1},
		} {
			b.change(t, `UPDATE public.odd SET `+step.column+` = '`+step.value+`' WHERE id = 1`)
			run := b.refresh(t, refresh.Request{View: v.Name})
			wantWritten(t, run, 0, step.updated, 0)
			var got string
			err := b.pool.QueryRow(t.Context(), "SELECT "+step.column+"::text FROM bi.odd WHERE id = 1").Scan(&got)
			if err != nil || got != step.want {
				t.Errorf("%s is %q, %v; want %q", step.column, got, err, step.want)
			}
			if t.Failed() {
				t.Fatalf("after %s became %q", step.column, step.value)
			}
		}
		b.change(t, `UPDATE public.odd SET n = NULL, d = NULL, s = NULL, j = NULL, i = NULL`)
		wantWritten(t, b.refresh(t, refresh.Request{View: v.Name}), 0, 1, 0)
		b.wantNothingLeft(t)
	})
}

func TestMerge_KeysOfAnyKind(t *testing.T) {
	t.Parallel()
	b := setup(t,
		`CREATE TABLE public.composite (a varchar(20), b date, c numeric(18,4), d timestamp, e boolean, n int)`,
		`INSERT INTO public.composite
		 SELECT a, date '2026-01-01' + i, i / 4.0, timestamp '2026-01-01' + i * interval '1 microsecond', i % 2 = 0, i
		 FROM unnest(ARRAY['', ' ', 'a', 'A', 'a ', 'é', E'e\u0301', '☃', '🦊', 'ß', 'ss', '日本', E'it''s "q" \\ b']) a, generate_series(1, 5) i`,
		`CREATE TABLE public.only_key (a varchar(20), b bigint)`,
		`INSERT INTO public.only_key SELECT 'é' || i % 3, i FROM generate_series(1, 50) i`,
		`CREATE TABLE public.float (id double precision, n int)`,
		`INSERT INTO public.float VALUES (0, 1), ('NaN', 2), ('-Infinity', 3), (1e300, 4)`,
		`CREATE TABLE public.span (id interval, n int)`,
		`INSERT INTO public.span VALUES ('1 day', 1), ('1 month', 2)`,
		`CREATE TABLE public.names ("redcache_old" int, "redcache_old_" int, s int, t int, d int, diff int, "id" int, q int)`,
		`INSERT INTO public.names SELECT i, -i, i, i, i, i, i, i FROM generate_series(1, 9) i`)
	for _, tt := range []struct {
		table                      string
		key                        []string
		changes                    []string
		inserted, updated, deleted int64
	}{
		{
			"composite",
			[]string{"a", "b", "c", "d", "e"},
			[]string{
				`DELETE FROM public.composite WHERE a = 'A' AND n = 1`, `UPDATE public.composite SET n = -n WHERE a IN ('é', '🦊')`,
				`UPDATE public.composite SET b = b + 100 WHERE a = '☃'`,
			},
			5, 10, 6,
		},
		{
			"only_key",
			[]string{"b", "a"},
			[]string{`DELETE FROM public.only_key WHERE b <= 3`, `INSERT INTO public.only_key VALUES ('é1', 3), ('', 51)`},
			2, 0, 3,
		},
		{"float", []string{"id"}, []string{`UPDATE public.float SET n = 20 WHERE id = 'NaN'`, `DELETE FROM public.float WHERE id = 1e300`}, 0, 1, 1},
		{"float", []string{"id"}, []string{`UPDATE public.float SET id = '-0' WHERE id = 0`}, 0, 1, 0},
		{"span", []string{"id"}, []string{`UPDATE public.span SET id = '24 hours' WHERE n = 1`}, 0, 1, 0},
		{
			"names",
			[]string{"redcache_old"},
			[]string{`DELETE FROM public.names WHERE t = 1`, `UPDATE public.names SET "redcache_old_" = 0 WHERE d = 2`},
			0, 1, 1,
		},
	} {
		for _, transport := range bothTransports {
			v := b.view(tt.table, "SELECT * FROM public."+tt.table, catalog.Merge)
			v.Key, v.Transport = tt.key, transport
			b.add(t, v)
			b.wantEqual(t, v)
			b.change(t, "CREATE TABLE public.before AS TABLE public."+tt.table)
			for _, change := range tt.changes {
				b.change(t, change)
			}
			wantWritten(t, b.refresh(t, refresh.Request{View: v.Name}), tt.inserted, tt.updated, tt.deleted)
			b.wantEqual(t, v)
			if t.Failed() {
				t.Fatalf("%s with key %v over %s", tt.table, tt.key, transport)
			}
			b.change(t, "TRUNCATE public."+tt.table)
			b.change(t, "INSERT INTO public."+tt.table+" TABLE public.before")
			b.change(t, "DROP TABLE public.before")
			if err := b.definer.Drop(t.Context(), v.Name); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.wantNothingLeft(t)
}
