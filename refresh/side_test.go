package refresh_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// obstacle is something in the cache database that refuses rows of a refresh.
type obstacle struct {
	name     string
	index    string   // of the view, from the beginning
	put      []string // later, by an administrator; %s is the generation that readers see
	source   string   // what changes then
	in       []catalog.Strategy
	wantText string
}

var (
	inPlace = []catalog.Strategy{catalog.Incremental, catalog.Merge}
	tables  = []catalog.Strategy{catalog.Incremental, catalog.Merge, catalog.Swap}
)

var obstacles = []obstacle{
	{
		name: "division by zero in an index", index: "(1 / (n - 7))", in: catalog.Of(catalog.RemoteSource),
		source: "INSERT INTO public.plain VALUES (7, 7, 'seven', '2026-03-01')", wantText: "division by zero",
	},
	{
		name: "overflow in an index", index: "((n * 400000000))", in: tables,
		source: "INSERT INTO public.plain VALUES (7, 7, 'seven', '2026-03-01')", wantText: "out of range",
	},
	{
		name: "a cast in an index", index: "((t::integer))", in: tables,
		source: "INSERT INTO public.plain VALUES (7, 8, 'secret', '2026-03-01')", wantText: "invalid input syntax",
	},
	{
		name: "an index row too long", index: "t", in: tables,
		source:   "INSERT INTO public.plain SELECT 7, 8, string_agg(md5(i::text), '' ORDER BY i), '2026-03-01' FROM generate_series(1, 400) i",
		wantText: "index row",
	},
	{
		name: "an event trigger", in: []catalog.Strategy{catalog.Swap},
		put: []string{
			"CREATE FUNCTION public.no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more tables'; END $$",
			"CREATE EVENT TRIGGER no_ddl ON ddl_command_start WHEN tag IN ('CREATE TABLE') EXECUTE FUNCTION public.no_ddl()",
		},
		wantText: "no more tables",
	},
	{
		name: "a trigger", in: inPlace,
		put: []string{
			"CREATE FUNCTION public.no_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'connection refused' USING ERRCODE = '42703'; END $$",
			"CREATE TRIGGER no_row AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION public.no_row()",
		},
		source: "INSERT INTO public.plain VALUES (7, 8, 'seven', '2026-03-01')", wantText: "connection refused",
	},
	{
		name: "a check", in: inPlace, put: []string{"ALTER TABLE %s ADD CONSTRAINT small CHECK (id < 7)"},
		source: "INSERT INTO public.plain VALUES (7, 8, 'seven', '2026-03-01')", wantText: "check constraint",
	},
	{
		name: "a unique index of somebody's", in: inPlace, put: []string{"CREATE UNIQUE INDEX ON %s (n)"},
		source: "INSERT INTO public.plain VALUES (7, 1, 'seven', '2026-03-01')", wantText: "unique constraint",
	},
	{
		name: "a column of somebody's that is not null", in: inPlace, put: []string{"ALTER TABLE %s ALTER COLUMN t SET NOT NULL"},
		source: "INSERT INTO public.plain VALUES (7, 8, NULL, '2026-03-01')", wantText: "not-null",
	},
	{
		name: "a foreign key", in: []catalog.Strategy{catalog.Merge},
		put:    []string{"CREATE TABLE public.child AS SELECT 3 AS id", "ALTER TABLE public.child ADD FOREIGN KEY (id) REFERENCES %s (id)"},
		source: "DELETE FROM public.plain WHERE id = 3", wantText: "foreign key",
	},
	{
		name: "a temporary file limit", in: []catalog.Strategy{catalog.Concurrent, catalog.Incremental, catalog.Merge},
		put:      []string{"ALTER ROLE CURRENT_OWNER SET temp_file_limit = '100kB'"},
		source:   "INSERT INTO public.plain SELECT i, i, repeat('x', 1000), '2026-03-01' FROM generate_series(100, 20000) i",
		wantText: "temp_file_limit",
	},
}

var plainSQL = []string{
	"CREATE TABLE public.plain (id integer, n integer, t varchar(65535), ts timestamp)",
	"INSERT INTO public.plain SELECT i, i, i::text, '2026-01-01' FROM generate_series(1, 5) i",
}

func (b *bundle) plainView(strategy catalog.Strategy, transport catalog.Transport) catalog.View {
	v := b.view("plain", "SELECT * FROM public.plain", strategy)
	v.Key, v.Watermark, v.Transport = []string{"id"}, "ts", transport
	if strategy != catalog.Incremental {
		v.Watermark = ""
	}
	return v
}

func TestRefresh_TellsWhatTheCacheDatabaseRefusesAsItsOwn(t *testing.T) {
	t.Parallel()
	for _, o := range obstacles {
		for _, strategy := range o.in {
			for _, transport := range transportsOf(strategy) {
				t.Run(o.name+"/"+string(strategy)+"/"+string(transport), func(t *testing.T) {
					t.Parallel()
					o.refuses(t, strategy, transport)
				})
			}
		}
	}
}

func (o obstacle) refuses(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
	b := setup(t, plainSQL...)
	v := b.plainView(strategy, transport)
	if o.index != "" {
		v.Indexes = []string{o.index}
	}
	run := b.add(t, v)
	v, err := b.store.View(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	admin, owner := b.cache.AdminPool(t), b.pool.Config().ConnConfig.User
	for _, statement := range o.put {
		statement = strings.NewReplacer("%s", v.RelationSQL(run.Generation), "CURRENT_OWNER", owner).Replace(statement)
		if strings.HasPrefix(statement, "ALTER ROLE") {
			statement = strings.Replace(statement, " SET ", " IN DATABASE "+b.cache.Name+" SET ", 1)
		}
		if _, err := admin.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	b.pool.Reset() // settings of a role are for new sessions
	if o.source != "" {
		b.change(t, o.source)
	}
	before := rows(t, b.pool, "SELECT * FROM "+v.Name.SQL())
	failed, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name, AllowShrink: 100})
	if err == nil {
		t.Fatal("the refresh succeeded")
	}
	wantSide(t, err, o.wantText, "cache database", "Redshift", "link dw")
	if failed.Error == nil || !strings.Contains(*failed.Error, o.wantText) || failed.Hint == nil {
		t.Errorf("the history says %v, hint %v", failed.Error, failed.Hint)
	}
	b.wantRows(t, v, before)
}

// wantSide checks that an error and its hint name one side, and say nothing of the other.
func wantSide(t *testing.T, err error, text, side string, never ...string) {
	t.Helper()
	hint := infra.Hint(err)
	message := infra.Message(err)
	if !strings.Contains(message, text) {
		t.Errorf("%q does not say %q", message, text)
	}
	if !strings.Contains(message+hint, side) && !strings.Contains(message, "--index of the view") {
		t.Errorf("%q, hint %q: does not say %q", message, hint, side)
	}
	if hint == "" {
		t.Errorf("%q has no hint", message)
	}
	for _, word := range append(never, "cachectl query", "cachectl refresh") {
		if strings.Contains(message+hint, word) {
			t.Errorf("%q, hint %q: is told as %q", message, hint, word)
		}
	}
}

// Whatever SQLSTATE Redshift gives to an error, it is Redshift's.
func TestRefresh_TellsWhatRedshiftRefusesAsItsOwn(t *testing.T) {
	t.Parallel()
	codes := []string{
		"0A000", "21000", "22001", "22003", "22008", "22012", "22021", "22P02", "23502", "23503", "23505", "25006", "25P04", "2BP01",
		"42501", "42601", "42703", "42704", "42804", "42P01", "53100", "53400", "54000", "55000", "57014", "58030", "P0001", "XX000",
	}
	for _, strategy := range []catalog.Strategy{catalog.Concurrent, catalog.Incremental, catalog.Swap} {
		for _, transport := range transportsOf(strategy) {
			if transport == catalog.StreamTransport && strategy == catalog.Concurrent {
				continue
			}
			t.Run(string(strategy)+"/"+string(transport), func(t *testing.T) {
				t.Parallel()
				b := setup(t, plainSQL...)
				v := b.plainView(strategy, transport)
				b.add(t, v)
				for _, code := range codes {
					b.source.FailNext("public.plain", redshiftsim.EngineError{Code: code, Message: "no such luck", Hint: "run away"})
					run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
					if err == nil {
						t.Fatalf("%s: the refresh succeeded", code)
					}
					t.Run(code, func(t *testing.T) {
						wantRedshift(t, err)
						if run.Hint != nil && strings.Contains(*run.Hint, "run away") {
							t.Errorf("Redshift's hint is told as ours: %q", *run.Hint)
						}
					})
				}
				b.refresh(t, refresh.Request{View: v.Name})
				b.wantEqual(t, v)
			})
		}
	}
}

func wantRedshift(t *testing.T, err error) {
	t.Helper()
	message, hint := infra.Message(err), infra.Hint(err)
	if !strings.Contains(message, "read through link dw") || !strings.Contains(message, "no such luck") {
		t.Errorf("%q does not say where it was", message)
	}
	for _, word := range []string{"cache database", "PostgreSQL server", "its key", "UTF-8, for instance", "a value does not fit"} {
		if strings.Contains(message+hint, word) {
			t.Errorf("%q, hint %q: is told as %q", message, hint, word)
		}
	}
}
