package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// write writes a file of a pipeline, with the view bi.NAME, and returns the directory.
func writeView(t *testing.T, dir, name, query string) string {
	t.Helper()
	text := "-- @matview-schema bi\n-- @matview-name " + name + "\n-- @link dw\n" + query + "\n"
	if err := os.WriteFile(filepath.Join(dir, name+".sql"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Of two applies at once that add the same view, the second says what has become of it, and what to do.
func TestApply_SaysThatAnotherHasAddedTheView(t *testing.T) {
	t.Parallel()
	cache := pgtest.New(t)
	o := newOperator(t, cache.URL)
	if _, err := o.source.Engine.Exec(t.Context(), `CREATE TABLE public.slow (id integer); CREATE TABLE public.quick (id integer);
		GRANT SELECT ON public.slow, public.quick TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	o.must(t, "init")
	o.must(t, o.link(redshiftsim.User)...)
	held, err := o.source.Engine.Begin(t.Context())
	if err == nil {
		_, err = held.Exec(t.Context(), `LOCK TABLE public.slow`)
	}
	if err != nil {
		t.Fatal(err)
	}
	first := writeView(t, writeView(t, t.TempDir(), "one", "SELECT id FROM public.slow"), "two", "SELECT id FROM public.slow")
	second := writeView(t, writeView(t, t.TempDir(), "one", "SELECT id FROM public.quick"), "two", "SELECT id FROM public.quick")
	ended := make(chan string)
	go func() {
		status, _, stderr := o.run(t.Context(), "apply", first)
		ended <- map[bool]string{true: stderr, false: "it has another exit status\n" + stderr}[status == exitFailed]
	}()
	await(t, o.source.Engine, `SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND relation = 'public.slow'::regclass`)
	o.must(t, "apply", second)
	if err := held.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := "cachectl: apply " + first + ": view bi.one was added by somebody else meanwhile, by another apply perhaps\n" +
		"hint: Nothing has changed. Apply once more: that goes by what is there now.\n"
	if got := <-ended; !strings.HasSuffix(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
	o.must(t, "apply", first)
}
