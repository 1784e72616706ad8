package main

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// slowLie is a lie that nobody gets to the end of.
type slowLie struct {
	name string
	at   byte
	tell tell
}

var slowLies = []slowLie{
	{"one byte of a row at a time", 'D', drip(byteOf("D\x00\x00\x10\x00\x00\x02\x00\x00\x0f\xf0x"))},
	{"one byte of a notice at a time", 'D', drip(byteOf("N\x00\x00\x10\x00Mx"))},
	{"one byte of an error at a time", 'D', drip(byteOf("E\x00\x00\x10\x00Mx"))},
	{"one notice at a time", 'D', drip(func(int) []byte { return notice("\x1b[2Jsoon") })},
	{"one row at a time", 'D', drip(rows)},
	{"a notice without an end", 'D', forever(byteOf("N\x01\xf0\x00\x00Mx"))},
	{"notices without end", 'D', forever(func(int) []byte { return notice("all work and no play") })},
	{"rows without end", 'D', forever(rows)},
	{"the same row without end", 'D', forever(func(int) []byte { return dataRow("1007", strings.Repeat("x", 20)) })},
	{"silence instead of rows", 'D', drip(func(int) []byte { return nil })},
	{"silence instead of the end", 'C', drip(func(int) []byte { return nil })},
	{"silence instead of being ready", 'Z', drip(func(int) []byte { return nil })},
}

// byteOf gives one byte after the other of a message, and goes on with the last.
func byteOf(message string) func(i int) []byte {
	return func(i int) []byte { return []byte{message[min(i, len(message)-1)]} }
}

// rows gives a row of a key of its own. Its four bytes are a number in both forms.
func rows(i int) []byte { return dataRow(strconv.Itoa(1000+i%9000), "more") }

// drip tells one piece a second, without end.
func drip(piece func(i int) []byte) tell {
	return func(w io.Writer, _ []byte) error {
		for i := 0; ; i++ {
			if _, err := w.Write(piece(i)); err != nil {
				return err
			}
			time.Sleep(time.Second)
		}
	}
}

// forever tells piece after piece, without end, some thousands a second: more would only take this machine's time.
func forever(piece func(i int) []byte) tell {
	return func(w io.Writer, _ []byte) error {
		for i := 0; ; {
			var some []byte
			for range 100 {
				some = append(some, piece(i)...)
				i++
			}
			if _, err := w.Write(some); err != nil {
				return err
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// lied prepares two views, on a link to a server that can be made to lie.
func lied(t *testing.T, cache *pgtest.Database) (o *operator, liar *redshiftsim.Liar) {
	t.Helper()
	o = newOperator(t, cache.URL)
	liar = redshiftsim.LiarFor(t, o.source)
	if _, err := o.source.Engine.Exec(t.Context(), `CREATE TABLE public.src (id integer, note varchar(20));
		INSERT INTO public.src VALUES (1, 'one'), (2, 'two'); GRANT SELECT ON public.src TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	o.must(t, "init")
	o.must(t, "link", "add", "dw", "--host", "127.0.0.1", "--port", strconv.Itoa(liar.Port()), "--database", o.source.Name,
		"--user", redshiftsim.User, "--password-env", "DW_PASSWORD", "--sslmode", "disable")
	for _, way := range []string{"dblink", "stream"} {
		o.must(t, "add-view", "bi."+way, "--link", "dw", "--query", "select id, note from public.src", "--key", "id", "--strategy", "merge",
			"--transport", way, "--timeout", "1s", "--allow-shrink", "100")
	}
	return o, liar
}

// Of a server that never comes to an end, whatever it sends meanwhile, nobody waits longer than ten seconds after the
// timeout. The old rows stay, and no lock, slot, session or relation does.
func TestRun_AServerThatNeverEndsIsLeft(t *testing.T) {
	t.Parallel()
	for several := range slices.Chunk(slowLies, 4) { // which wait together, and not one after the other
		t.Run(several[0].name+", and others", func(t *testing.T) {
			t.Parallel()
			var told []*lying
			for _, lie := range several {
				told = append(told, startLying(t, lie))
			}
			for _, l := range told {
				l.ways.Wait()
			}
			for _, l := range told {
				l.end(t)
			}
		})
	}
}

// lying is a server that tells a slow lie, and the commands that hear it.
type lying struct {
	slowLie
	o    *operator
	liar *redshiftsim.Liar
	pool *pgxpool.Pool
	ways sync.WaitGroup
}

func startLying(t *testing.T, lie slowLie) *lying {
	t.Helper()
	cache := pgtest.New(t)
	l := &lying{slowLie: lie, pool: cache.AdminPool(t)}
	l.o, l.liar = lied(t, cache)
	l.liar.Lie(`AS "note" FROM`, lie.at, lie.tell)
	for _, args := range [][]string{
		{"refresh", "bi.dblink"}, {"refresh", "bi.stream"}, {"query", "dw", "select id, note from public.src", "--timeout", "1s"},
	} {
		l.ways.Go(func() { suffer(t, l.name, l.o, l.pool, args) })
	}
	return l
}

// end holds what is left behind against what there was.
func (l *lying) end(t *testing.T) {
	t.Helper()
	if l.liar.Told() == 0 {
		t.Errorf("%s: nobody was lied to", l.name)
	}
	l.liar.Truth()
	wantNothingLeft(t, l.o, l.pool)
	for _, way := range []string{"dblink", "stream"} {
		l.o.must(t, "refresh", "bi."+way)
		wantRows(t, l.pool, l.name+", the truth", "bi."+way)
	}
}

// suffer lets a command be lied to.
func suffer(t *testing.T, lie string, o *operator, pool *pgxpool.Pool, args []string) {
	start := time.Now()
	got, stdout, stderr := o.run(t.Context(), args...)
	took := time.Since(start)
	t.Logf("%s: %q: %d after %s\n%.300q\n%.600q", lie, args[:2], got, took, stdout, stderr)
	if took > 40*time.Second { // limits of seconds, on a machine that does much else
		t.Errorf("%s: %q: it took %s", lie, args, took)
	}
	if got == exitFailed && !strings.Contains(stderr, "hint: ") {
		t.Errorf("%s: %q: no hint:\n%s", lie, args, stderr)
	}
	wantHarmless(t, lie+", "+args[0], stderr)
	if args[0] == "query" {
		return
	}
	if got == exitDone {
		t.Errorf("%s: %q: believed: %s", lie, args, stdout)
	}
	wantRows(t, pool, lie+", afterwards", args[1])
}

// libpq goes round in circles when a SELECT is answered by a COPY, and hears no signal then: see the documentation of
// package dblink. The command ends in time all the same, and says why.
func TestRun_ACopyThatNobodyAskedForEndsTheCommandInTime(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{})
	t.Cleanup(func() { // such a backend has no other end
		if err := cluster.Halt(true); err != nil {
			t.Error(err)
		}
	})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cache := &pgtest.Database{Cluster: cluster, Name: name, URL: cluster.OwnerURL(name)}
	o, liar := lied(t, cache)
	liar.Lie(`AS "note" FROM`, 'T', before([]byte("H\x00\x00\x00\x07\x00\x00\x00")))
	suffer(t, "a copy", o, cache.AdminPool(t), []string{"refresh", "bi.dblink"})
}
