package main

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
)

// tell writes what a server says in the place of a message.
type tell = func(w io.Writer, message []byte) error

type wireLie struct {
	name string
	at   byte
	tell tell
	mild bool   // the rows are what they were, so that a refresh may succeed
	only string // the ways on which it is tried; empty: on all
}

// wireLies are what a server may say in the place of messages of a type, when the rows of a view are asked for.
var wireLies = []wireLie{
	{"a notice of 5 MB", 'T', before(notice(strings.Repeat("\x1b[2J\u202e", 1<<19))), true, ""},
	{"20,000 notices", 'T', before(bytes.Repeat(notice("\x1b]0;owned\x07 all work and no play"), 20_000)), true, ""},
	{"notices between rows", 'D', before(notice("\x1b[31m\xff\xfe")), true, ""},
	{"other settings", 'D', before(
		setting("standard_conforming_strings", "\x1b[2J"), setting("integer_datetimes", "off"), setting("server_version", "99\x1b[2J"),
	), true, ""},
	{"fewer columns", 'T', description("id"), false, ""},
	{"other names", 'T', description("note", "\x1b[2J\u202eid"), true, ""}, // dblink goes by the order
	{"one name for all", 'T', description("id", "id"), true, ""},
	{"65,535 columns", 'T', description(make([]string, 65_535)...), false, ""},
	{"a name of 5 MB", 'T', description("id", strings.Repeat("\x1b", 5<<20)), true, ""},
	{"a second description", 'D', before(encoded(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("x"), DataTypeOID: 25}}})), true, ""},
	{"no number", 'D', instead(dataRow("\x1b[2Jpwn", "x")), false, ""},
	{"a row of a gigabyte", 'D', instead([]byte("D\x3f\xff\xff\xfe\x00\x02")), false, "query"},
	{"a COPY that nobody asked for", 'T', before([]byte("H\x00\x00\x00\x07\x00\x00\x00"), []byte("d\x00\x00\x00\x06\x1bx")), true, "stream"}, // dblink itself turns in circles
	{"more rows complete", 'C', instead(encoded(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 999999999999\x1b[2J")})), true, ""},
	{"nothing complete", 'C', instead([]byte("C\x00\x00\x00\x05\x00")), true, ""},
	{"an error with fields twice, and none that is known", 'D', instead([]byte(
		"E\x00\x00\x00\x35SERROR\x00SFATAL\x00C42P01\x00C\x1b[2J\x00Mone\x1b\x00Mtwo\x1b\x00Q\x1bwhat\x00q\x00\x00Z\x00\x00\x00\x05I")), false, ""},
	{"an error of 5 MB that is no text", 'D', instead(append(failing(strings.Repeat("\xff\xfe", 5<<19)), "Z\x00\x00\x00\x05I"...)), false, ""},
	{"an error of 5 MB of escapes", 'D', instead(append(failing(strings.Repeat("\x1b[2J\u202e", 5<<17)), "Z\x00\x00\x00\x05I"...)), false, ""},
	{"errors, and then the end of a command", 'D', instead(failing("\x1b[2J")), false, ""},
	{"ready too early", 'D', before([]byte("Z\x00\x00\x00\x05I")), true, ""},
	{"ready twice", 'Z', before([]byte("Z\x00\x00\x00\x05I")), true, ""},
	{"a COPY that asks for rows", 'T', before([]byte("G\x00\x00\x00\x07\x00\x00\x00")), true, "stream"},
	{"a COPY both ways", 'T', before([]byte("W\x00\x00\x00\x07\x00\x00\x00")), true, "stream"},
	{"rows of a COPY", 'D', before([]byte("d\x00\x00\x00\x06\x1bx")), true, ""},
	{"a message that nobody knows", 'D', before([]byte("!\x00\x00\x00\x06\x1bx")), false, ""},
	{"a message of negative length", 'D', instead([]byte("D\xff\xff\xff\xff\x00\x02")), false, ""},
	{"a message of no length", 'D', instead([]byte("D\x00\x00\x00\x00\x00\x02")), false, ""},
	{"a row that is cut", 'D', instead([]byte("D\x00\x00\x00\x0a\x00\x02\x00\x00\x00\x09")), false, ""},
	{"a value past its row", 'D', instead([]byte("D\x00\x00\x00\x16\x00\x02\x00\x00\x00\x041007\x7f\xff\xff\xffabcd")), false, ""},
	{"a value of negative length", 'D', instead([]byte("D\x00\x00\x00\x12\x00\x02\x00\x00\x00\x041007\xff\xff\xff\x00")), false, ""},
	{"another encoding in the middle", 'D', before(setting("client_encoding", "LATIN1")), true, ""},
	{"an encoding that is none", 'D', before(setting("client_encoding", "\x1b[2J")), true, ""},
	{"zero bytes in values", 'D', instead(dataRow("1007", "a\x00b")), false, ""},
	{"bytes that are no text", 'D', instead(dataRow("1007", "a\xff\xfeb")), false, ""},
	{"no value at all", 'D', instead([]byte("D\x00\x00\x00\x0e\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff")), false, ""},
}

func encoded(message pgproto3.BackendMessage) []byte {
	b, err := message.Encode(nil)
	if err != nil {
		panic(err) // the message is ours
	}
	return b
}

func failing(text string) []byte {
	return encoded(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "XX000", Message: text, Detail: text})
}

func notice(text string) []byte {
	return encoded(&pgproto3.NoticeResponse{Severity: "NOTICE\x1b[2J", Code: "00000", Message: text, Hint: text})
}

func setting(name, value string) []byte {
	return encoded(&pgproto3.ParameterStatus{Name: name, Value: value})
}

func dataRow(values ...string) []byte {
	row := &pgproto3.DataRow{}
	for _, value := range values {
		row.Values = append(row.Values, []byte(value))
	}
	return encoded(row)
}

// before tells something and then the truth.
func before(lies ...[]byte) tell {
	return func(w io.Writer, message []byte) error {
		_, err := w.Write(append(bytes.Join(lies, nil), message...))
		return err
	}
}

func instead(lie []byte) tell {
	return func(w io.Writer, _ []byte) error {
		_, err := w.Write(lie)
		return err
	}
}

// description announces columns of these names, each like one that there is, but of no size.
func description(names ...string) tell {
	return func(w io.Writer, message []byte) error {
		var told pgproto3.RowDescription
		if err := told.Decode(message[5:]); err != nil {
			return err
		}
		fields := make([]pgproto3.FieldDescription, len(names))
		for i, name := range names {
			fields[i] = told.Fields[min(i, len(told.Fields)-1)]
			fields[i].Name, fields[i].DataTypeSize, fields[i].TypeModifier = []byte(name), -32768, -2
		}
		return instead(encoded(&pgproto3.RowDescription{Fields: fields}))(w, nil)
	}
}

// Whatever a server says on the wire: the rows are the right ones or the old ones, it ends in time, nothing of it reaches a
// terminal raw, nothing long is printed or kept, and no session, lock or relation stays.
func TestRun_AServerThatLiesOnTheWireDoesNoHarm(t *testing.T) {
	t.Parallel()
	cache := pgtest.New(t)
	o, liar := lied(t, cache)
	views := []string{"bi.dblink", "bi.stream"}
	pool := cache.AdminPool(t)
	var began, ended runtime.MemStats
	runtime.ReadMemStats(&began)
	for _, lie := range wireLies {
		liar.Lie(`AS "note" FROM`, lie.at, lie.tell)
		var ways sync.WaitGroup
		for _, view := range views {
			if lie.tried(strings.TrimPrefix(view, "bi.")) {
				ways.Go(func() { refreshLied(t, o, pool, lie, view) })
			}
		}
		if lie.tried("query") {
			ways.Go(func() { queryLied(t, o, lie) })
		}
		ways.Wait()
		if liar.Told() == 0 {
			t.Errorf("%s: nobody was lied to", lie.name)
		}
	}
	liar.Truth()
	runtime.ReadMemStats(&ended)
	if grown := int64(ended.HeapSys) - int64(began.HeapSys); grown > 512<<20 {
		t.Errorf("the heap has grown by %d MiB", grown>>20)
	}
	for _, args := range [][]string{{"status", views[0]}, {"status", views[1]}, {"runs"}, {"list"}} {
		_, stdout, stderr := o.run(t.Context(), args...)
		wantHarmless(t, args[0], stdout[:min(len(stdout), 8<<10)]+stderr)
	}
	wantNothingLeft(t, o, pool)
	for _, view := range views {
		o.must(t, "refresh", view)
		wantRows(t, pool, "the truth", view)
	}
}

func (l wireLie) tried(way string) bool { return l.only == "" || strings.Contains(l.only, way) }

func refreshLied(t *testing.T, o *operator, pool *pgxpool.Pool, lie wireLie, view string) {
	start := time.Now()
	got, stdout, stderr := o.run(t.Context(), "refresh", view)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("%s, %s: it took %s", lie.name, view, took)
	}
	if got == exitDone && !lie.mild {
		t.Errorf("%s, %s: believed: %s", lie.name, view, stdout)
	}
	if got == exitFailed && !strings.Contains(stderr, "hint: ") {
		t.Errorf("%s, %s: no hint:\n%s", lie.name, view, stderr)
	}
	if strings.Contains(stderr, "the cache database refuses it") {
		t.Errorf("%s, %s: it blames the other side:\n%s", lie.name, view, stderr)
	}
	wantHarmless(t, lie.name+", "+view, stdout+stderr)
	wantRows(t, pool, lie.name, view)
}

func queryLied(t *testing.T, o *operator, lie wireLie) {
	_, stdout, stderr := o.run(t.Context(), "query", "dw", "select id, note from public.src", "--timeout", "1s", "--json", "--limit", "1000")
	wantHarmless(t, lie.name+", query", stderr)
	if found := raw(stdout); found != "" {
		t.Errorf("%s, query: %s reaches the terminal: %.300q", lie.name, found, stdout)
	}
	for _, word := range []string{"redcache_data", "--index"} {
		if strings.Contains(stderr, word) {
			t.Errorf("%s, query: it speaks of a view: %s", lie.name, stderr)
		}
	}
}

// wantHarmless holds what is printed for people to what a terminal takes.
func wantHarmless(t *testing.T, what, said string) {
	t.Helper()
	if found := raw(said); found != "" || len(said) > 16<<10 {
		t.Errorf("%s: %s reaches the terminal, of %d bytes: %.300q", what, found, len(said), said)
	}
}

func wantRows(t *testing.T, pool *pgxpool.Pool, lie, view string) {
	t.Helper()
	var rows string
	if err := pool.QueryRow(t.Context(), `SELECT string_agg(id || note, ',' ORDER BY id) FROM `+view).Scan(&rows); err != nil || rows != "1one,2two" {
		t.Errorf("%s: the rows of %s are %q, %v", lie, view, rows, err)
	}
}

// wantNothingLeft waits until no session, lock, relation or run of ours is under way, and looks at what was kept.
func wantNothingLeft(t *testing.T, o *operator, pool *pgxpool.Pool) {
	t.Helper()
	for _, gone := range []string{
		`SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		`SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'cachectl%'`,
		`SELECT count(*) = 0 FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'`,
		`SELECT count(*) = 0 FROM redcache.run WHERE state = 'running'`,
		`SELECT max(pg_column_size(to_jsonb(r)::text)) < 16384 FROM redcache.run r`,
	} {
		await(t, pool, gone)
	}
	await(t, o.source.Engine, `SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database() AND usename = 'cache_ro'`)
}
