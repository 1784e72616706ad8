package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/sql"
)

// follow runs what a command advises for the very view, through a shell, and wants it to work.
func (n *named) follow(t *testing.T, verb string, args ...string) {
	t.Helper()
	status, stdout, stderr := n.o.run(t.Context(), args...)
	if status == exitDone && args[0] != "doctor" {
		t.Errorf("%q has nothing to say:\n%s", args, stdout+stderr)
	}
	if found := raw(stdout + stderr); found != "" {
		t.Errorf("%q: %s reaches the terminal: %q", args, found, stdout+stderr)
	}
	met := false
	for _, words := range commandsIn(t, stdout+stderr) {
		if words[0] != verb || viewOf(t, words[1]) != viewOf(t, n.view) {
			continue
		}
		if words[len(words)-1] == "--query" {
			continue // what the reader is to write
		}
		met = true
		if status, stdout, stderr := n.o.run(t.Context(), words...); status != exitDone {
			t.Errorf("%q advises %q, which ends with %d:\n%s", args, words, status, stdout+stderr)
		}
	}
	if !met {
		t.Errorf("%q advises no %s of %q:\n%s", args, verb, n.view, stdout+stderr)
	}
}

// Whatever a view, its columns and other people's objects are called: what a command or the doctor says to do can be pasted into a
// shell, and does it; what others have put on the copy is named, and nothing of a name is raw.
func TestRun_AdviceReachesThingsOfAnyName(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{})
	database, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	url := cluster.OwnerURL(database)
	o, admin := newOperator(t, url), pgtest.OpenPool(t, cluster.AdminURL(database))
	o.must(t, "init")
	for _, what := range []string{"quotes", "a shell's", "ends of lines", "what cannot be seen"} {
		n := newNamed(t, o, url, admin, hostileNames[what])
		name, table := quotedName(n.name), quotedName(n.column)+"."+quotedName(n.column)
		o.must(t, "link", "add", n.link, "--host", o.source.Host(), "--port", fmt.Sprint(o.source.Port()), "--database", o.source.Name,
			"--user", redshiftsim.User, "--password-env", "DW_PASSWORD")
		o.must(t, "add-view", n.view, "--link", n.link, "--table", table,
			"--key", `"`+strings.ReplaceAll(n.column, `"`, `""`)+`"`, "--strategy", "merge", "--transport", "dblink", "--grant", n.name)
		change(t, admin, `DROP VIEW `+n.view)
		n.follow(t, "refresh", "doctor")
		change(t, o.source.Engine, `DELETE FROM `+table)
		n.follow(t, "refresh", "refresh", n.view)
		n.wantOthersNamed(t, admin)
		n.wantHolderNamed(t, admin)
		change(t, o.source.Engine, `ALTER TABLE `+table+` RENAME note TO words; INSERT INTO `+table+` VALUES (1, 'x')`)
		n.follow(t, "alter-view", "refresh", n.view)
		o.must(t, "refresh", n.view)
		o.must(t, "drop-view", n.view)
		change(t, admin, `DROP OWNED BY `+name+`; DROP ROLE `+name)
	}
}

func change(t *testing.T, pool *pgxpool.Pool, sql string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// wantOthersNamed puts other people's objects on the copy, one after the other, and wants whoever stumbles over one to say its name.
func (n *named) wantOthersNamed(t *testing.T, admin *pgxpool.Pool) {
	t.Helper()
	var copied string
	if err := admin.QueryRow(t.Context(), `SELECT 'redcache_data.' || relname FROM pg_class WHERE oid IN (SELECT refobjid FROM pg_depend d
		JOIN pg_rewrite r ON r.oid = d.objid WHERE r.ev_class = to_regclass(`+sql.Literal(n.view)+`)) AND relkind = 'r'`).Scan(&copied); err != nil {
		t.Fatal(err)
	}
	name := quotedName(n.name)
	for _, other := range []struct{ make, drop string }{
		{`CREATE RULE ` + name + ` AS ON INSERT TO ` + copied + ` DO ALSO NOTHING`, `DROP RULE ` + name + ` ON ` + copied},
		{`CREATE PUBLICATION ` + name + ` FOR TABLE ` + copied, `DROP PUBLICATION ` + name},
		{
			`CREATE FUNCTION public.` + name + `() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
				CREATE TRIGGER ` + name + ` BEFORE INSERT ON ` + copied + ` EXECUTE FUNCTION public.` + name + `()`,
			`DROP FUNCTION public.` + name + ` CASCADE`,
		},
		{`CREATE VIEW public.` + name + ` AS SELECT * FROM ` + n.view, `DROP VIEW public.` + name},
	} {
		change(t, admin, other.make)
		said := ""
		for _, args := range [][]string{{"refresh", n.view}, {"alter-view", n.view, "--strategy", "concurrent"}, {"status", n.view}, {"drop-view", n.view, "--dry-run"}, {"drop-view", n.view}} {
			if args[0] == "drop-view" && !strings.HasPrefix(other.make, "CREATE VIEW") || args[0] == "alter-view" && strings.HasPrefix(other.make, "CREATE VIEW") {
				continue
			}
			_, shown, stderr := n.o.onTerminal(t, columnsShown, args...)
			n.wantShown(t, other.make, args, shown, stderr)
			said += shown + stderr
		}
		seen := strings.Fields(printable(n.name)) // the longest word of its name is in one line
		slices.SortFunc(seen, func(a, b string) int { return len(b) - len(a) })
		if pasted := sql.Ident(n.name); !strings.Contains(said, seen[0]) && !strings.Contains(said, pasted) {
			t.Errorf("%s: nobody says its name: %s", other.make, said)
		}
		change(t, admin, other.drop)
	}
}

// wantHolderNamed has a role of that name hold the view's lock.
func (n *named) wantHolderNamed(t *testing.T, admin *pgxpool.Pool) {
	t.Helper()
	change(t, admin, `ALTER ROLE `+quotedName(n.name)+` LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA redcache TO `+quotedName(n.name))
	config := admin.Config().ConnConfig.Copy()
	config.User, config.Password, config.RuntimeParams["application_name"] = n.name, "x", n.name
	holder, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = holder.Close(t.Context()) }()
	if _, err := holder.Exec(t.Context(), `SELECT pg_advisory_lock(c.oid::bigint::bit(32)::integer, $1) FROM pg_class c WHERE c.oid = 'redcache.view'::regclass`,
		n.id(t, admin)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"locks"}, {"refresh", n.view}, {"list"}, {"status", n.view}, {"runs", n.view}} {
		_, shown, stderr := n.o.onTerminal(t, columnsShown, args...)
		n.wantShown(t, "a holder", args, shown, stderr)
	}
	_, stdout, _ := n.o.run(t.Context(), "locks", "--json")
	if found := raw(stdout); found != "" || !strings.Contains(stdout, viewIn(t, n.view)) {
		t.Errorf("%s in %s", found, stdout)
	}
}

func (n *named) id(t *testing.T, admin *pgxpool.Pool) (id int32) {
	t.Helper()
	v := viewOf(t, n.view)
	if err := admin.QueryRow(t.Context(), `SELECT id FROM redcache.view WHERE schema_name = $1 AND view_name = $2`, v.Schema, v.View).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}

// viewIn is the view as JSON has it.
func viewIn(t *testing.T, view string) string {
	t.Helper()
	var b strings.Builder
	p := &program{stdout: &b}
	if err := p.printJSON(viewOf(t, view).String()); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// PostgreSQL cuts names to 63 bytes without a word, so that one would become another, or somebody else. Longer ones are refused, and
// say how long they are; a query that only shows rows shows them.
func TestRun_NamesThatWouldBeCutAreRefused(t *testing.T) {
	t.Parallel()
	cache := pgtest.New(t)
	o, admin := newOperator(t, cache.URL), cache.AdminPool(t)
	o.must(t, "init")
	o.must(t, o.link(redshiftsim.User)...)
	for _, most := range []string{strings.Repeat("c", 63), strings.Repeat("ü", 31) + "x"} { // roles are of the whole server: no other test has these
		role := quotedName(most)
		change(t, admin, `CREATE ROLE `+role)
		t.Cleanup(func() {
			if _, err := admin.Exec(context.WithoutCancel(t.Context()), `DROP OWNED BY `+role+`; DROP ROLE `+role); err != nil {
				t.Error(err)
			}
		})
		query := `select 1 as "` + most + `x", 2 as "` + most + `ö"`
		for want, args := range map[string][]string{
			"64 bytes":                    {"add-view", "bi.a", "--link", "dw", "--query", query},
			"x does not exist":            {"add-view", "bi.a", "--link", "dw", "--query", `select 1 as "` + most + `"`, "--key", most + "x"},
			"role":                        {"add-view", "bi.a", "--link", "dw", "--query", "select 1 as a", "--grant", most + "x"},
			"has 64 bytes, and Postgres":  {"add-view", "bi." + most + "x", "--link", "dw", "--query", "select 1 as a"},
			"group has a name of 64":      {"add-view", "bi.a", "--link", "dw", "--query", "select 1 as a", "--group", most + "x"},
			"its name has 64 bytes":       append(append([]string{"link", "add", most + "x"}, o.link(redshiftsim.User)[3:]...), "--dry-run"),
			"has 64 bytes, and Postgres ": {"alter-view", `bi."` + most + `x"`, "--every", "5m"},
		} {
			status, _, stderr := o.run(t.Context(), args...)
			if status == exitDone || !strings.Contains(stderr, strings.TrimSpace(want)) || !strings.Contains(stderr, "hint: ") {
				t.Errorf("%.60q: exit status %d, want %s:\n%.600s", args, status, want, stderr)
			}
		}
		if shown := o.must(t, "query", "dw", query, "--json"); !strings.Contains(shown, most+`x":"1"`) || !strings.Contains(shown, most+`ö":"2"`) {
			t.Errorf("got %s", shown)
		}
		o.must(t, "add-view", `bi."`+most+`"`, "--link", "dw", "--query", `select 1 as "`+most+`"`, "--key", most, "--grant", most, "--group", most)
	}
}
