package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/internal/screen"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// hostileNames are what schemas, views, columns, roles, groups and links may be called.
var hostileNames = map[string]string{
	"quotes":                `it's ''two'' "a""b" \a\\b\! id \`,
	"a shell's":             "`id` $(id) ${HOME} *~!! &|<>#",
	"dollars and formats":   `$q$ $$ $1 $? %s%n%!d(string=x)%[1]d`,
	"ends of lines":         "\ta\nb\r\\! id\rc; select 1/0;\v",
	"controls":              "\x1b[2J\x1b]0;owned\x07\u009b31m\u009d0;x\u009c",
	"what cannot be seen":   "\u202egnp.exe\u202c\u2066x\u200fa\u200bb\ufeffc\u2060\U000e0041",
	"escapes of its own":    `a\x1b\u202e\xff \ufffd` + "\ufffd",
	"ends and comments":     `x; drop table y;-- a */ b /* c, d = e`,
	"a dash":                `-rf --all`,
	"63 bytes":              strings.Repeat("abcdefghi", 7),
	"63 bytes, 32 letters":  strings.Repeat("ö", 31) + "x",
	"wide":                  strings.Repeat("売上", 5) + "cafe\u0301",
	"capitals":              "SALES",
	"no capitals":           "sales",
	"a keyword":             "select",
	"blanks that are names": "\u00a0",
}

// named is a world in which everything has a hostile name: all of it has one, but the column, which Redshift folds.
type named struct {
	o      *operator
	url    string
	name   string
	column string
	view   string // as an argument
	link   string
}

const columnsShown = 80

func quotedName(name string) string { return pgx.Identifier{name}.Sanitize() }

// Whatever things are called: nothing of a name reaches a terminal raw, tables keep to it, JSON has the exact name, and what is to be
// pasted, into psql or into a shell, is about the very thing.
func TestRun_NamesAreOnlyNames(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{})
	database, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const odd = "d\"b'\\ \x1b[2J\u202e%s$$;--"
	if err := cluster.Admin(t.Context(), "postgres", "ALTER DATABASE "+database+" RENAME TO "+quotedName(odd)); err != nil {
		t.Fatal(err)
	}
	url := cluster.OwnerURL(odd)
	o, admin := newOperator(t, url), pgtest.OpenPool(t, cluster.AdminURL(odd))
	o.must(t, "init")
	var all []*named
	var wait sync.WaitGroup
	limit := make(chan struct{}, 3)
	for _, what := range slices.Sorted(maps.Keys(hostileNames)) {
		n := newNamed(t, o, url, admin, hostileNames[what])
		all = append(all, n)
		wait.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			n.live(t, what)
		})
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	wantAllNamed(t, all, o)
}

func newNamed(t *testing.T, o *operator, url string, admin *pgxpool.Pool, name string) *named {
	t.Helper()
	n := &named{
		o: o, url: url, name: name, column: sql.Folded(name), view: quotedName(name) + "." + quotedName(name),
		link: strings.ToValidUTF8(name[:min(len(name), 50)], "") + ".",
	}
	if n.link[0] == '-' {
		n.link = "x" + n.link
	}
	column := quotedName(n.column)
	if _, err := o.source.Engine.Exec(t.Context(), `CREATE SCHEMA IF NOT EXISTS `+column+`; GRANT USAGE ON SCHEMA `+column+` TO PUBLIC;
		CREATE TABLE IF NOT EXISTS `+column+`.`+column+` AS SELECT i AS `+column+`, 'x'::varchar(9) AS note FROM generate_series(1, 9) i;
		GRANT SELECT ON `+column+`.`+column+` TO PUBLIC`); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Exec(t.Context(), `CREATE ROLE `+quotedName(name)); err != nil {
		t.Fatal(err)
	}
	return n
}

// live takes a view through all that can be done with it.
func (n *named) live(t *testing.T, what string) {
	csv := `"` + strings.ReplaceAll(n.column, `"`, `""`) + `"`
	key := `"` + strings.ReplaceAll(n.name, `"`, `""`) + `"`
	link := []string{
		"link", "add", n.link, "--host", n.o.source.Host(), "--port", strconv.Itoa(n.o.source.Port()), "--database", n.o.source.Name,
		"--user", redshiftsim.User, "--password-env", "DW_PASSWORD",
	}
	add := []string{
		"add-view", n.view, "--link", n.link, "--table", quotedName(n.column) + "." + quotedName(n.column), "--key", csv, "--index", quotedName(n.column),
		"--grant", n.name, "--group", n.name, "--strategy", "concurrent", "--transport", "dblink",
	}
	spare := slices.Clone(link)
	spare[2] += "2"
	servers := func(link, count string) string {
		return "SELECT 1 / (count(*) = " + count + ")::int FROM pg_foreign_server WHERE srvname = " + sql.Literal(redshift.ServerPrefix+link) + ";"
	}
	other := "select 7::bigint as " + quotedName(n.column) + ", 1 as one" // one column changes, one comes, one goes
	exists := func(yes string) string {
		return "SELECT 1 / (to_regclass(" + sql.Literal(n.view) + ") IS " + yes + " NULL)::int;"
	}
	for _, step := range []struct {
		args   []string
		status int
		then   string // what is true after its SQL
	}{
		{append(link, "--dry-run"), exitDone, servers(n.link, "1")},
		{link, exitDone, ""},
		{[]string{"link", "test", n.link}, exitDone, ""},
		{[]string{"link", "rotate", n.link, "--password-env", "DW_PASSWORD", "--dry-run"}, exitDone, servers(n.link, "1")},
		{spare, exitDone, ""},
		{[]string{"link", "remove", spare[2], "--dry-run"}, exitDone, servers(spare[2], "0")},
		{append(add, "--dry-run"), exitDone, "SELECT 1 / (count(*) = 9)::int FROM " + n.view + ";"},
		{append(add, "--dry-run", "--transport", "stream", "--strategy", "merge"), exitDone, exists("NOT")},
		{add, exitDone, ""},
		{[]string{"status", n.view}, exitDone, ""},
		{[]string{"refresh", n.view, "--dry-run"}, exitDone, exists("NOT")},
		{[]string{"refresh", n.view}, exitDone, ""},
		{[]string{"alter-view", n.view}, exitUsage, ""},
		{[]string{"alter-view", n.view, "--strategy", "merge", "--dry-run"}, exitDone, exists("NOT")},
		{[]string{"alter-view", n.view, "--query", other, "--dry-run"}, exitDone, "SELECT one FROM " + n.view + ";"},
		{[]string{"alter-view", n.view, "--strategy", "merge", "--group", ""}, exitDone, ""},
		{[]string{"alter-view", n.view, "--describe", "--group", n.name}, exitDone, ""},
		{[]string{"refresh", "--group", n.name, "--dry-run"}, exitDone, exists("NOT")},
		{[]string{"grants", "audit", n.view}, exitFound, ""},
		{[]string{"grants", "audit", n.view, "--map", key + "=group:" + key}, exitFound, ""},
		{[]string{"grants", "sync", n.view, "--revoke-all", "--dry-run"}, exitDone, exists("NOT")},
		{[]string{"runs", n.view}, exitDone, ""},
		{[]string{"query", n.link, "select " + quotedName(n.column) + " from " + quotedName(n.column) + "." + quotedName(n.column)}, exitDone, ""},
		{[]string{"link", "remove", n.link}, exitFailed, ""},
		{[]string{"drop-view", n.view, "--dry-run"}, exitDone, exists("")},
	} {
		status, shown, stderr := n.o.onTerminal(t, columnsShown, step.args...)
		if status != step.status {
			t.Errorf("%s: %q: exit status %d, want %d\n%s", what, step.args, status, step.status, stderr)
			return
		}
		n.wantShown(t, what, step.args, shown, stderr)
		if step.then != "" {
			n.paste(t, what, shown, step.then)
		}
	}
}

// wantShown holds what a command has said to what a terminal may get, and its advice to what it is about.
func (n *named) wantShown(t *testing.T, what string, args []string, shown, stderr string) {
	t.Helper()
	if found := raw(shown + stderr); found != "" {
		t.Errorf("%s: %q: %s reaches the terminal: %q", what, args, found, shown+stderr)
	}
	if tables := []string{"status", "runs", "grants", "list", "locks"}; slices.Contains(tables, args[0]) && !slices.Contains(args, "--dry-run") {
		for line := range strings.Lines(shown) {
			words := append([]string{""}, screen.Words(strings.TrimSuffix(line, "\n"))...)
			if long := screen.Width(words[len(words)-1]) > columnsShown-20; screen.Width(line) > columnsShown && !long { // it would not fit anywhere
				t.Errorf("%s: %q: %d columns: %q", what, args, screen.Width(line), line)
			}
		}
	}
	for _, words := range commandsIn(t, stderr) {
		if words[0] == "status" && viewOf(t, words[1]) != viewOf(t, n.view) {
			t.Errorf("%s: %q: %q is about something else", what, args, words)
		}
	}
}

func viewOf(t *testing.T, argument string) catalog.Name {
	t.Helper()
	name, err := catalog.ParseName(argument)
	if err != nil {
		t.Errorf("%q: %v", argument, err)
	}
	return name
}

// commandsIn returns the words that a shell makes of each command that a text advises.
func commandsIn(t *testing.T, text string) (commands [][]string) {
	t.Helper()
	script := `cachectl() { printf '%s\0' "$@"; printf '\n\0'; };` + "\n"
	for _, advice := range advised.FindAllString(text, -1) {
		script += strings.Trim(advice, "`") + "\n"
	}
	said, err := exec.CommandContext(t.Context(), "bash", "--norc", "-e", "-u", "-c", script).Output()
	if err != nil {
		t.Errorf("bash: %v: %s", err, script)
	}
	var words []string
	for _, word := range strings.Split(strings.TrimSuffix(string(said), "\x00"), "\x00") {
		if word != "\n" {
			words = append(words, word)
			continue
		}
		commands, words = append(commands, words), nil
	}
	return commands
}

// rowsToCome is a statement whose rows the program itself would send.
var rowsToCome = regexp.MustCompile(`(?m)^COPY .* FROM STDIN .*\n`)

// paste runs what a dry run has shown in psql, and what has to be true then, and rolls it back.
func (n *named) paste(t *testing.T, what, shown, then string) {
	t.Helper()
	const met, tries = "tuple concurrently updated", 20 // what two get who grant rights on one schema at once
	var err error
	for range tries {
		if err = n.psql(t, shown, then); err == nil || !strings.Contains(err.Error(), met) {
			break
		}
	}
	if err != nil {
		t.Errorf("%s: %v\n%s", what, err, shown+then)
	}
}

func (n *named) psql(t *testing.T, shown, then string) error {
	psql := exec.CommandContext(t.Context(), "psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-f", "-", n.url)
	psql.Stdin = strings.NewReader("BEGIN;\n" + rowsToCome.ReplaceAllString(shown, "") + then + "\nROLLBACK;\n")
	if said, err := psql.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// wantAllNamed holds what is said of all views and links at once to the same, and JSON to the exact names.
func wantAllNamed(t *testing.T, all []*named, o *operator) {
	t.Helper()
	for _, args := range [][]string{{"list"}, {"status"}, {"link", "list"}, {"runs"}, {"locks"}, {"doctor", "--verbose"}, {"__complete", "status", ""}} {
		_, shown, stderr := o.onTerminal(t, columnsShown, args...)
		if found := raw(shown + stderr); found != "" {
			t.Errorf("%q: %s reaches the terminal", args, found)
		}
	}
	for _, args := range [][]string{
		{"list", "--json"}, {"link", "list", "--json"}, {"runs", "--json", "--limit", "1000"}, {"grants", "audit", "--all", "--json"}, {"doctor", "--json", "--verbose"},
	} {
		_, stdout, _ := o.run(t.Context(), args...)
		var records []map[string]any
		if err := json.Unmarshal([]byte(stdout), &records); err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		if found := raw(stdout); found != "" {
			t.Errorf("%q: %s reaches the terminal", args, found)
		}
		said := fmt.Sprint(records)
		for _, n := range all {
			for field, want := range map[string]string{"view": viewOf(t, n.view).String(), "link": n.link, "group": n.name} {
				if _, has := records[0][field]; has && !strings.Contains(said, want) {
					t.Errorf("%q: there is no %s %q", args, field, want)
				}
			}
		}
	}
}
