package refresh_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// Rows are read from the same bound on that they are replaced from, whatever lies between the values of the column: nothing
// comes twice, and nothing is lost.
func TestIncremental_ReadsWhatItReplaces(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tt := range map[string]struct{ typ, rows, next, lookback string }{
		"a fraction of an integer":     {"bigint", "(8), (9), (10)", "(11)", "0.6"},
		"more than an integer":         {"integer", "(8), (9), (10)", "(11)", "1.5"},
		"a tiny fraction":              {"smallint", "(8), (9), (10)", "(11)", "0.000000000000000000000000000000000000000001"},
		"negative integers":            {"bigint", "(-10), (-9), (-8)", "(-7)", "0.6"},
		"the lowest integers":          {"bigint", "(-9223372036854775808), (-9223372036854775807)", "(-9223372036854775806)", "0.5"},
		"far below the type":           {"smallint", "(-32768), (0), (32766)", "(32767)", "1e30"},
		"the highest integers":         {"bigint", "(9223372036854775805), (9223372036854775806)", "(9223372036854775807)", "1.5"},
		"less than the scale":          {"numeric(10,2)", "(8.99), (9.00), (9.01)", "(9.02)", "0.005"},
		"more than the scale":          {"numeric(10,2)", "(8.99), (9.00), (9.01)", "(9.02)", "0.0199999"},
		"a negative number":            {"numeric(10,2)", "(-9.02), (-9.01), (-9.00)", "(-8.99)", "0.005"},
		"a large number":               {"numeric(38,0)", "(99999999999999999999999999999999999997), (99999999999999999999999999999999999998)", "(99999999999999999999999999999999999999)", "0.5"},
		"a small number":               {"numeric(38,37)", "(0.0000000000000000000000000000000000001), (0.0000000000000000000000000000000000002)", "(0.0000000000000000000000000000000000003)", "0.00000000000000000000000000000000000015"},
		"below the precision":          {"numeric(5,2)", "(-999.99), (0), (999.98)", "(999.99)", "10000"},
		"any number":                   {"numeric", "(8.5), (9.25), (10.125)", "(11)", "0.8751"},
		"any large number":             {"numeric", "(1234567890123456789012345678901234567.5), (1234567890123456789012345678901234568.5)", "(1234567890123456789012345678901234569.5)", "0.00001"},
		"no number":                    {"numeric(10,2)", "(8.5), ('NaN'), (9.5)", "(10)", "0.6"},
		"an endless number":            {"numeric", "('-Infinity'), (8.5), ('Infinity'), (9.5)", "(10)", "0.6"},
		"hours of a day":               {"date", "('2026-01-08'), ('2026-01-09'), ('2026-01-10')", "('2026-01-11')", "6h"},
		"a day and hours":              {"date", "('2026-01-08'), ('2026-01-09'), ('2026-01-10')", "('2026-01-11')", "36h"},
		"a moment of a day":            {"date", "('2026-01-08'), ('2026-01-09'), ('2026-01-10')", "('2026-01-11')", "1ms"},
		"days before the first":        {"date", "('4713-01-01 BC'), ('4713-01-02 BC'), ('4713-01-03 BC')", "('4713-01-04 BC')", "240000h"},
		"days of long ago":             {"date", "('0044-03-13 BC'), ('0044-03-14 BC'), ('0044-03-15 BC')", "('0044-03-16 BC')", "25h"},
		"days without end":             {"date", "('-infinity'), ('2026-01-10'), ('infinity')", "('2026-01-11')", "6h"},
		"only days without a start":    {"date", "('-infinity'), (NULL)", "('2026-01-11')", "6h"},
		"fractions of seconds":         {"timestamp", "('2026-01-01 00:00:00.8'), ('2026-01-01 00:00:00.999999'), ('2026-01-01 00:00:01')", "('2026-01-01 00:00:01.000001')", "1500ms"},
		"a microsecond":                {"timestamp", "('2026-01-01 00:00:00.999998'), ('2026-01-01 00:00:00.999999'), ('2026-01-01 00:00:01')", "('2026-01-01 00:00:01.000001')", "1us"},
		"less than a microsecond":      {"timestamp", "('2026-01-01 00:00:00.999999'), ('2026-01-01 00:00:01')", "('2026-01-01 00:00:01.000001')", "1ns"},
		"moments before the first":     {"timestamp", "('4713-01-01 00:00:00 BC'), ('4713-01-01 00:00:01 BC')", "('4713-01-01 00:00:02 BC')", "240000h"},
		"moments without end":          {"timestamp", "('-infinity'), ('2026-01-01'), ('infinity')", "('2026-01-02')", "1m"},
		"moments with a zone":          {"timestamptz", "('2026-03-29 00:59:59.5+00'), ('2026-03-29 03:00:00+02'), ('2026-03-29 01:00:00.25+00')", "('2026-03-29 01:00:01+00')", "250ms"},
		"zoned ones before the first":  {"timestamptz", "('4713-01-01 00:00:00+00 BC'), ('4713-01-01 00:00:01+00 BC')", "('4713-01-01 00:00:02+00 BC')", "240000h"},
		"more than any that there was": {"timestamptz", "('1969-12-31 23:59:59+00'), ('1970-01-01 00:00:00+00')", "('1970-01-01 00:00:01+00')", "9000d"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := `public."` + strings.ToLower(name) + `"`
			b.change(t, "CREATE TABLE "+table+" (mark "+tt.typ+", note varchar(9))")
			b.change(t, "INSERT INTO "+table+" (mark) VALUES "+tt.rows)
			var views []catalog.View
			for _, transport := range bothTransports {
				v := b.view(fmt.Sprint(name, " ", transport), "SELECT mark, note FROM "+table, catalog.Incremental)
				v.Watermark, v.Lookback, v.Transport = "mark", tt.lookback, transport
				if tt.lookback == "1ns" { // refused by now
					v.Lookback = "1us"
				}
				b.add(t, v)
				if tt.lookback != v.Lookback {
					b.do(t, `UPDATE redcache.generation SET definition = definition || '{"lookback": "`+tt.lookback+`"}'
						WHERE view_id = (SELECT id FROM redcache.view WHERE view_name = '`+v.Name.View+`')`)
				}
				views = append(views, v)
			}
			for _, change := range []string{"SELECT 1", "INSERT INTO " + table + " (mark) VALUES " + tt.next, "INSERT INTO " + table + " (mark) VALUES " + tt.next} {
				b.change(t, change)
				for _, v := range views {
					b.refresh(t, refresh.Request{View: v.Name})
					b.wantEqual(t, v)
				}
			}
		})
	}
}

// A lookback is read below a watermark that is a number as well: what comes late within it is seen.
func TestIncremental_LooksBackFromANumber(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for typ, late := range map[string]string{"bigint": "96", "numeric(12,3)": "95.5", "smallint": "96"} {
		table := `public."` + typ + `"`
		b.change(t, "CREATE TABLE "+table+" (id integer, seq "+typ+")")
		b.change(t, "INSERT INTO "+table+" SELECT i, i FROM generate_series(1, 100) i WHERE i <> 96")
		var views []catalog.View
		for _, key := range [][]string{{"id"}, nil} {
			v := b.view(fmt.Sprint(typ, " ", key), "SELECT id, seq FROM "+table, catalog.Incremental)
			v.Key, v.Watermark, v.Lookback = key, "seq", "4.5"
			b.add(t, v)
			views = append(views, v)
		}
		b.change(t, "INSERT INTO "+table+" VALUES (500, "+late+")")
		for _, v := range views {
			run := b.refresh(t, refresh.Request{View: v.Name})
			b.wantEqual(t, v)
			if run.Whole || *run.RowsRead > 6 {
				t.Errorf("read %d rows, whole %t", *run.RowsRead, run.Whole)
			}
		}
	}
}

// The watermark stays where it is when the rows that it came from are gone.
func TestIncremental_NeverMovesTheWatermarkBack(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE public.log (id integer, seq bigint, at timestamp)",
		"INSERT INTO public.log SELECT i, i, timestamp '2026-01-01' + i * interval '1 second' FROM generate_series(1, 100) i")
	for _, key := range [][]string{{"id"}, nil} {
		for watermark, want := range map[string]string{"seq": "100", "at": "2026-01-01 00:01:40"} {
			v := b.view(fmt.Sprint(watermark, key), "SELECT id, seq, at FROM public.log", catalog.Incremental)
			v.Key, v.Watermark = key, watermark
			if v.Lookback = "20"; watermark == "at" {
				v.Lookback = "20s"
			}
			b.add(t, v)
			b.change(t, "DELETE FROM public.log WHERE id > 90")
			for range 2 {
				run := b.refresh(t, refresh.Request{View: v.Name})
				if run.Watermark == nil {
					t.Fatalf("key %v: there is no watermark %s", key, watermark)
				}
				if *run.Watermark != want {
					t.Errorf("key %v: watermark %s is %s, want %s", key, watermark, *run.Watermark, want)
				}
				if *run.RowsRead > 11 {
					t.Errorf("key %v: read %d rows: the range has grown", key, *run.RowsRead)
				}
			}
			b.change(t, "INSERT INTO public.log SELECT i, i, timestamp '2026-01-01' + i * interval '1 second' FROM generate_series(91, 100) i")
		}
	}
}

// What a row says last is stored, also when its watermark becomes NULL, goes back, or is the same as before.
func TestIncremental_StoresARowWhoseWatermarkDoesNotGrow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tt := range map[string]struct {
		change  string
		updated int64
	}{
		"becomes NULL within the lookback": {`UPDATE log SET note = 'new', at = NULL WHERE id = 98`, 1},
		"becomes NULL below it":            {`UPDATE log SET note = 'new', at = NULL WHERE id IN (3, 4)`, 2},
		"becomes NULL, and nothing else":   {`UPDATE log SET at = NULL WHERE id = 5`, 1},
		"all become NULL":                  {`UPDATE log SET at = NULL`, 99},
		"NULL, and stays so":               {`UPDATE log SET note = 'new' WHERE at IS NULL`, 1},
		"NULL, and gets one":               {`UPDATE log SET at = '2026-01-01 00:02:00' WHERE at IS NULL`, 1},
		"goes back within the lookback":    {`UPDATE log SET note = 'new', at = at - interval '10 s' WHERE id = 100`, 1},
		"stays the same":                   {`UPDATE log SET note = 'new' WHERE id = 100`, 1},
		"is given to another row":          {`UPDATE log SET at = (SELECT max(at) FROM log) WHERE id = 1`, 1},
		"is from the future, and back":     {`UPDATE log SET note = 'new', at = '2026-01-01 00:01:39' WHERE id = 50`, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := `public."` + strings.ToLower(name) + `"`
			for _, statement := range []string{
				"CREATE TABLE log (id integer, sub varchar(3), note varchar(9), at timestamp)",
				"INSERT INTO log SELECT i, 'é', 'old', timestamp '2026-01-01' + i * interval '1 second' FROM generate_series(1, 100) i",
				"UPDATE log SET at = NULL WHERE id = 7", "UPDATE log SET at = '9999-12-31' WHERE id = 50",
			} {
				b.change(t, strings.ReplaceAll(statement, "log", table))
			}
			var views []catalog.View
			for _, transport := range bothTransports {
				v := b.view(fmt.Sprint(name, " ", transport), "SELECT id, sub, note, at FROM "+table, catalog.Incremental)
				v.Key, v.Watermark, v.Lookback, v.Transport = []string{"id", "sub"}, "at", "20s", transport
				b.add(t, v)
				views = append(views, v)
			}
			b.change(t, strings.ReplaceAll(tt.change, "log", table))
			for _, v := range views {
				run := b.refresh(t, refresh.Request{View: v.Name})
				b.wantEqual(t, v)
				wantWritten(t, run, 0, tt.updated, 0)
				run = b.refresh(t, refresh.Request{View: v.Name})
				wantWritten(t, run, 0, 0, 0)
				b.wantEqual(t, v)
			}
		})
	}
}

// Of several rows of one key the latest is kept, whichever of them is read again: an older one, or one without a
// watermark, never takes its place.
func TestIncremental_AnOlderRowNeverReplacesANewerOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tt := range map[string]struct{ before, change, want string }{
		"one without a watermark": {
			`(1, 'newest', '2026-01-01 00:00:30'), (1, 'undated', NULL), (2, 'x', '2026-01-01 00:00:30')`,
			`INSERT INTO log VALUES (2, 'y', '2026-01-01 01:00:00')`, "newest",
		},
		"the newest of three is gone": {
			`(1, 'newest', '2026-01-01 00:00:30'), (1, 'older', '2026-01-01 00:00:01'), (1, 'undated', NULL)`,
			`DELETE FROM log WHERE note = 'newest'`, "older",
		},
		"the newest becomes the older": {
			`(1, 'newest', '2026-01-01 00:00:30'), (1, 'older', '2026-01-01 00:00:25')`,
			`UPDATE log SET note = 'back', at = '2026-01-01 00:00:20' WHERE note = 'newest'`, "older",
		},
		"the only dated one loses its date": {
			`(1, 'newest', '2026-01-01 00:00:30'), (2, 'x', '2026-01-01 00:00:30')`,
			`UPDATE log SET note = 'undated', at = NULL WHERE id = 1`, "undated",
		},
		"an older one comes late": {
			`(1, 'newest', '2026-01-01 00:00:30')`, `INSERT INTO log VALUES (1, 'older', '2026-01-01 00:00:28')`, "newest",
		},
		"an older one comes late, and the newest is out of reach": {
			`(1, 'newest', '2026-01-01 00:00:05'), (2, 'x', '2026-01-01 00:00:30')`,
			`INSERT INTO log VALUES (1, 'older', NULL)`, "newest",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := `public."` + strings.ToLower(name) + `"`
			b.change(t, "CREATE TABLE "+table+" (id integer, note varchar(9), at timestamp)")
			b.change(t, "INSERT INTO "+table+" VALUES "+tt.before)
			for _, transport := range bothTransports {
				v := b.view(fmt.Sprint(name, " ", transport), "SELECT id, note, at FROM "+table, catalog.Incremental)
				v.Key, v.Watermark, v.Lookback, v.Transport = []string{"id"}, "at", "10s", transport
				b.add(t, v)
			}
			b.change(t, strings.ReplaceAll(tt.change, "log", table))
			for _, transport := range bothTransports {
				v := b.view(fmt.Sprint(name, " ", transport), "", catalog.Incremental)
				for range 3 {
					b.refresh(t, refresh.Request{View: v.Name})
					if got := rows(t, b.pool, "SELECT note FROM "+v.Name.SQL()+" WHERE id = 1"); len(got) != 1 || got[0] != fmt.Sprintf("%q ", tt.want) {
						t.Errorf("%s: got %v, want %s", transport, got, tt.want)
					}
				}
			}
		})
	}
}

// With a longer safety lag than before, a row that is too young now keeps what it was.
func TestIncremental_ALongerSafetyLagKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE public.log (id integer, note varchar(9), at timestamptz)",
		"INSERT INTO public.log VALUES (1, 'newest', now() - interval '5 minutes'), (2, 'x', now() - interval '1 minute')")
	v := b.view("log", "SELECT id, note, at FROM public.log", catalog.Incremental)
	v.Key, v.Watermark, v.Lookback = []string{"id"}, "at", "1h"
	b.add(t, v)
	_, err := b.definer.Alter(t.Context(), v.Name, func(v *catalog.View) error { v.SafetyLag = 10 * time.Minute; return nil }, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.change(t, "INSERT INTO public.log VALUES (1, 'older', now() - interval '30 minutes')")
	b.refresh(t, refresh.Request{View: v.Name})
	b.wantRows(t, v, rows(t, b.source.Engine, "SELECT id, note, at FROM public.log WHERE note <> 'older'"))
}

// youngLog makes a view of a log for each transport, and changes the log: of what is new, the views see only that a row is
// gone, as the rest is too young for them.
func (b *bundle) youngLog(t *testing.T) (views []catalog.View) {
	t.Helper()
	b.change(t, "CREATE TABLE public.log (id integer, part char(3), note varchar(9), n numeric(10,2), at timestamptz)")
	b.change(t, "INSERT INTO public.log SELECT i, 'p', 'old', i, now() - interval '1 hour' FROM generate_series(1, 5) i")
	for _, transport := range bothTransports {
		v := b.view("log_"+string(transport), "SELECT id, part, note, n, at FROM public.log", catalog.Incremental)
		v.Key, v.Watermark, v.SafetyLag, v.Transport = []string{"id"}, "at", 10*time.Minute, transport
		b.add(t, v)
		views = append(views, v)
	}
	b.change(t, "UPDATE public.log SET note = 'young', at = now() WHERE id IN (1, 3)")
	b.change(t, "INSERT INTO public.log VALUES (6, 'p', 'young', 6, now())")
	b.change(t, "DELETE FROM public.log WHERE id = 2")
	return views
}

// wantGrown lets what was too young for the views be old enough, which they then see.
func (b *bundle) wantGrown(t *testing.T, views []catalog.View) {
	t.Helper()
	b.change(t, "UPDATE public.log SET at = now() - interval '11 minutes' WHERE note = 'young'")
	for _, v := range views {
		b.refresh(t, refresh.Request{View: v.Name})
		b.wantEqual(t, v)
	}
}

// A new generation of the same query has what readers see of a row that is too young for it.
func TestIncremental_ANewGenerationKeepsWhatIsTooYoung(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.youngLog(t)
	want := []string{`"1" "old" `, `"3" "old" `, `"4" "old" `, `"5" "old" `}
	for _, v := range views {
		for what, change := range map[string]func(*catalog.View){
			"another index": func(v *catalog.View) { v.Indexes = append(v.Indexes, "note") },
			"another key":   func(v *catalog.View) { v.Key = []string{"id", "part"} },
		} {
			if err := <-b.alter(t.Context(), v.Name, change); err != nil {
				t.Fatal(err)
			}
			if got := rows(t, b.pool, "SELECT id, note FROM "+v.Name.SQL()); !slices.Equal(got, want) {
				t.Errorf("%s, %s: got %v, want %v", v.Transport, what, got, want)
			}
		}
		if n := rows(t, b.pool, "SELECT row_count FROM redcache.copy s JOIN redcache.view v ON v.id = s.view_id WHERE view_name = '"+v.Name.View+"'"); !slices.Equal(n, []string{`"4" `}) {
			t.Errorf("%s: %v rows are counted", v.Transport, n)
		}
	}
	b.wantGrown(t, views)
}

// A full read takes no row for gone that is only too young: the copy keeps what it was, until its time has come.
func TestIncremental_AFullReadKeepsWhatIsTooYoung(t *testing.T) {
	t.Parallel()
	b := setup(t)
	views := b.youngLog(t)
	for _, v := range views {
		for _, whole := range []bool{false, true, true} {
			run := b.refresh(t, refresh.Request{View: v.Name, Whole: whole})
			want := []string{`"1" "old" `, `"3" "old" `, `"4" "old" `, `"5" "old" `}
			if !whole {
				want = slices.Insert(want, 1, `"2" "old" `)
			}
			if got := rows(t, b.pool, "SELECT id, note FROM "+v.Name.SQL()); !slices.Equal(got, want) {
				t.Errorf("%s, whole %t: got %v, want %v", v.Transport, whole, got, want)
			}
			status := b.statuses(t)
			for _, s := range status {
				if s.View.Name == v.Name && *s.Rows != int64(len(want)) {
					t.Errorf("%s, whole %t: status says %d rows, want %d", v.Transport, whole, *s.Rows, len(want))
				}
			}
			if run.Watermark == nil || strings.Contains(*run.Watermark, "infinity") {
				t.Errorf("watermark is %v", run.Watermark)
			}
		}
	}
	b.wantGrown(t, views)
}
