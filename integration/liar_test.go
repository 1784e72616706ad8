package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

const nasty = "\x1b[2J\u202e\u009b31m\u200b\r\nERROR: forged\x00\xff"

// lies are what a server may say in the place of messages of a type.
var lies = []struct {
	name string
	at   byte
	tell func(w io.Writer, message []byte) error
}{
	{"an error of 5 MB", 'D', saying(failure(strings.Repeat(nasty, 5<<20/len(nasty))), []byte("Z\x00\x00\x00\x05I"))},
	{"notices", 'T', beforeIt(bytes.Repeat(encode(&pgproto3.NoticeResponse{Severity: "NOTICE", Message: nasty, Hint: nasty}), 20_000))},
	{"a column's name of 5 MB", 'T', naming("id", strings.Repeat("\x1b\u202e", 1<<20))},
	{"65,535 columns", 'T', naming(make([]string, 65_535)...)},
	{"no number", 'D', saying(encode(&pgproto3.DataRow{Values: [][]byte{[]byte("\x1b[2J\u202e"), []byte("x")}}))},
	{"a message that nobody knows", 'D', beforeIt([]byte("!\x00\x00\x00\x06\x1bx"))},
	{"an endless drip", 'D', func(w io.Writer, _ []byte) error {
		for {
			if _, err := w.Write(encode(&pgproto3.NoticeResponse{Message: nasty})); err != nil {
				return err
			}
			time.Sleep(100 * time.Millisecond)
		}
	}},
}

func encode(message pgproto3.BackendMessage) []byte {
	b, err := message.Encode(nil)
	if err != nil {
		panic(err) // the message is ours
	}
	return b
}

func failure(text string) []byte {
	return encode(&pgproto3.ErrorResponse{Severity: "ERROR", Code: "XX000", Message: text, Detail: text, Hint: text})
}

func saying(lies ...[]byte) func(io.Writer, []byte) error {
	return func(w io.Writer, _ []byte) error { _, err := w.Write(bytes.Join(lies, nil)); return err }
}

func beforeIt(lie []byte) func(io.Writer, []byte) error {
	return func(w io.Writer, message []byte) error { return saying(lie, message)(w, nil) }
}

func naming(names ...string) func(io.Writer, []byte) error {
	fields := make([]pgproto3.FieldDescription, len(names))
	for i, name := range names {
		fields[i] = pgproto3.FieldDescription{Name: []byte(name), DataTypeOID: 25, DataTypeSize: -1, TypeModifier: -1}
	}
	return saying(encode(&pgproto3.RowDescription{Fields: fields}))
}

// acted is what of a text a terminal would act upon.
func acted(text string) string {
	if !utf8.ValidString(text) {
		return "what is no UTF-8"
	}
	for _, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}

// liedTo has two views, of names that nobody would choose, on a link to a server that can be made to lie.
func liedTo(t *testing.T) (w *world, liar *redshiftsim.Liar, views []string) {
	t.Helper()
	w = newWorld(t, pgtest.Config{}, `CREATE TABLE public.item AS SELECT i AS id, 'n'::varchar(9) AS note FROM generate_series(1, 9) i`)
	liar = redshiftsim.LiarFor(t, &redshiftsim.Warehouse{EngineURL: built.engine.AdminURL(w.sourceDB)})
	w.env = append(w.env, "LIAR_PASSWORD="+redshiftsim.Password)
	w.cachectl(t, "link", "add", "l\x1b\u202e\"'", "--host", "127.0.0.1", "--port", strconv.Itoa(liar.Port()), "--database", w.sourceDB,
		"--user", redshiftsim.User, "--password-env", "LIAR_PASSWORD", "--sslmode", "disable")
	for _, transport := range []string{"dblink", "stream"} {
		view := pgx.Identifier{"s\x1b[2J\u202e\n\"'", transport + "\u009b\u200b%s\\"}.Sanitize()
		w.cachectl(t, "add-view", view, "--link", "l\x1b\u202e\"'", "--table", "public.item", "--key", "id", "--strategy", "merge",
			"--transport", transport, "--every", "1s", "--timeout", "1s")
		views = append(views, view)
	}
	return w, liar, views
}

// dueAgain makes all views due, however often they have failed, and returns the last run so far.
func (w *world) dueAgain(t *testing.T) (last int64) {
	t.Helper()
	if _, err := w.pool.Exec(t.Context(), `UPDATE redcache.state SET next_due = pg_catalog.now(), failures = 0`); err != nil {
		t.Fatal(err)
	}
	if err := w.pool.QueryRow(t.Context(), `SELECT coalesce(max(id), 0) FROM redcache.run`).Scan(&last); err != nil {
		t.Fatal(err)
	}
	return last
}

// Whatever a server says on the wire, and whatever things are called, the worker goes on, and each line of its log is a line: bounded,
// with nothing in it that a terminal would act upon, and JSON where told.
func TestWorker_LogsALyingServerAsText(t *testing.T) {
	t.Parallel()
	w, liar, views := liedTo(t)
	for _, format := range []string{"text", "json"} {
		p := w.worker(t, "REDCACHE_LOG_FORMAT="+format, "REDCACHE_LOG_LEVEL=debug", "REDCACHE_POLL=50ms")
		for _, lie := range lies {
			liar.Lie(`AS "note" FROM`, lie.at, lie.tell)
			last := w.dueAgain(t)
			eventually(t, patience, func() error {
				err := w.wantCount(t, fmt.Sprintf(`SELECT DISTINCT view_id FROM redcache.run WHERE id > %d AND finished_at IS NOT NULL`, last), len(views))
				if err == nil && liar.Told() == 0 {
					err = errors.New("nobody was lied to")
				}
				return err
			})
			p.alive(t)
		}
		liar.Truth()
		p.stop(t)
		failed := 0
		for line := range strings.Lines(p.stderr.String()) {
			var entry map[string]any
			switch found := acted(line); {
			case found != "":
				t.Errorf("%s: %s is in the log: %.300q", format, found, line)
			case len(line) > 12<<10:
				t.Errorf("%s: a line has %d bytes: %.300q", format, len(line), line)
			case format == "json" && json.Unmarshal([]byte(line), &entry) != nil:
				t.Errorf("a line is no JSON: %.300q", line)
			}
			if strings.Contains(line, "failed") {
				failed++
			}
			if entry["run_id"] != nil && entry["view"] != views[0] && entry["view"] != views[1] {
				t.Errorf("a run of another view: %q", entry["view"])
			}
		}
		if failed < len(lies) {
			t.Errorf("%s: %d failures are in the log:\n%s", format, failed, p.stderr.String())
		}
	}
	if err := w.wantCount(t, `SELECT FROM redcache.run r WHERE pg_column_size(to_jsonb(r)::text) > 16384`, 0); err != nil {
		t.Errorf("long runs: %v", err)
	}
}

// The same holds for the function's answer and log, and the answer comes in time.
func TestLambda_AnswersALyingServerAsText(t *testing.T) {
	t.Parallel()
	w, liar, views := liedTo(t)
	e := w.function(t, "refresh", 20*time.Second)
	for i, lie := range lies {
		for n, view := range views {
			liar.Lie(`AS "note" FROM`, lie.at, lie.tell)
			body, err := json.Marshal(map[string]string{"view": view})
			if err != nil {
				t.Fatal(err)
			}
			event := body
			if (i+n)%2 == 1 { // each lie is told in each way, once by hand and once by the queue
				event = queued(t, string(body))
			}
			w.dueAgain(t)
			r := invoke(t, e, event)
			if r.TimedOut || r.Exited || r.Took > 18*time.Second {
				t.Errorf("%s, %q: %s after %s", lie.name, view, r, r.Took)
			}
			answer := string(r.Payload) + r.Error
			if found := acted(answer); found != "" || len(answer) > 12<<10 || r.Payload != nil && !json.Valid(r.Payload) {
				t.Errorf("%s, %q: %s, %d bytes: %.300q", lie.name, view, found, len(answer), answer)
			}
			if liar.Told() == 0 {
				t.Errorf("%s, %q: nobody was lied to", lie.name, view)
			}
		}
	}
	for line := range strings.Lines(e.Log()) {
		if found := acted(line); found != "" || len(line) > 12<<10 || !json.Valid([]byte(line)) {
			t.Errorf("the log has %s, %d bytes: %.300q", found, len(line), line)
		}
	}
	if found := acted(string(e.Stdout())); found != "" {
		t.Errorf("%s is in the metrics", found)
	}
}
