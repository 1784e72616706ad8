package main

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// hostileTexts are what a remote, or whoever writes into it, may say.
var hostileTexts = map[string]string{
	"escape sequences":      "\x1b[2J\x1b]0;owned\x07\x1b[31mred",
	"C1 controls":           "a\u009b31mb\u009d0;x\u009c",
	"changes of direction":  "\u202egnp.exe\u202c \u2066x\u2069 \u200f",
	"what cannot be seen":   "a\u200bb\ufeffc\u2060d\U000e0041",
	"forged lines":          "x\nERROR: you are hacked\r\nhint: run `rm -rf /`\v\f",
	"5 MB":                  strings.Repeat("all work and no play ", 250_000),
	"5 MB of one character": strings.Repeat("\x1b", 5<<20),
	"quotes and formats":    `%s%n%!d(string=x) "'; DROP TABLE x; -- \ ${HOME} $(id)`,
}

// raw returns what of an output a terminal would act upon.
func raw(output string) string {
	if !utf8.ValidString(output) {
		return "what is no UTF-8"
	}
	for _, r := range output {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r)) {
			return fmt.Sprintf("%U", r)
		}
	}
	return ""
}

// Whatever a remote says in its errors, details and hints: nothing of it reaches a terminal as it is, nothing longer than
// a few kB is printed or kept, and the old rows stay.
func TestRun_AHostileRemoteIsOnlyText(t *testing.T) {
	t.Parallel()
	o, cache := onceRefreshed(t)
	o.must(t, "add-view", "bi.two", "--link", "dw", "--query", "select 2 as b", "--key", "b", "--strategy", "merge", "--transport", "stream")
	pool := cache.Pool(t)
	for name, text := range hostileTexts {
		for _, code := range []string{"XX000", "22012", "42P01", "57014", "28000"} {
			for view, mark := range map[string]string{"bi.one": "1 as a", "bi.two": "2 as b"} {
				said := text
				if code != "XX000" && name != "escape sequences" {
					continue // how a text is treated does not depend on the code, but for what is known of that
				}
				o.source.FailNext(mark, redshiftsim.EngineError{Code: code, Message: said, Detail: said, Hint: said})
				var all strings.Builder
				for _, args := range [][]string{
					{"refresh", view}, {"status", view}, {"runs", view}, {"list"}, {"status", view, "--json"}, {"doctor", "--verbose"},
				} {
					if args[0] == "doctor" && (code != "XX000" || view != "bi.one") {
						continue
					}
					_, stdout, stderr := o.run(t.Context(), args...)
					if found := raw(stdout + stderr); found != "" {
						t.Errorf("%s, %s, %q: %s reaches the terminal: %.300q", name, code, args, found, stdout+stderr)
					}
					all.WriteString(stdout + stderr)
				}
				if all.Len() > 256<<10 {
					t.Errorf("%s, %s, %s: %d bytes are printed", name, code, view, all.Len())
				}
			}
		}
	}
	var longest int
	err := pool.QueryRow(t.Context(), `SELECT max(pg_column_size(to_jsonb(r)::text)) FROM redcache.run r`).Scan(&longest)
	if err != nil || longest > 16<<10 {
		t.Errorf("a run takes %d bytes, %v", longest, err)
	}
	var rows string
	if err := pool.QueryRow(t.Context(), `SELECT a::text || b FROM bi.one, bi.two`).Scan(&rows); err != nil || rows != "12" {
		t.Errorf("the rows are %s, %v", rows, err)
	}
	var failed int
	if err := pool.QueryRow(t.Context(), `SELECT count(*) FROM redcache.run WHERE state = 'failed'`).Scan(&failed); err != nil || failed < 10 {
		t.Errorf("%d refreshes have met what the remote says, %v", failed, err)
	}
}
