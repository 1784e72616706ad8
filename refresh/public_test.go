package refresh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/logtest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

const secret = "111-22-3333"

// leak is a failure whose own words have values of rows.
type leak struct {
	name   string
	in     []catalog.Strategy
	change func(v *catalog.View)
	put    string // by an administrator; %s is the generation
	source string
	fail   *redshiftsim.EngineError
}

var leaks = []leak{
	{
		name: "a repeated key", in: []catalog.Strategy{catalog.Concurrent, catalog.Merge, catalog.Swap},
		source: "INSERT INTO public.people SELECT * FROM public.people WHERE ssn = '" + secret + "'",
	},
	{
		name: "a NULL in a key", in: catalog.Of(catalog.RemoteSource), change: func(v *catalog.View) { v.Key = []string{"id", "ssn"} },
		source: "UPDATE public.people SET id = NULL, ts = ts + interval '1 day' WHERE ssn = '" + secret + "'",
	},
	{
		name: "a column that is no number any more", in: tables,
		change: func(v *catalog.View) { v.Query = "SELECT ssn, id, note::varchar(40) AS note, ts FROM public.people" },
		source: "UPDATE public.people SET note = '" + secret + redshiftsim.InvalidByteMarker + "', ts = ts + interval '1 day'",
	},
	{
		name: "a cast in an index", in: tables, change: func(v *catalog.View) { v.Indexes = []string{"((note::integer))"} },
		source: "UPDATE public.people SET note = '" + secret + "', ts = ts + interval '1 day'",
	},
	{
		name: "a search in an index", in: tables, change: func(v *catalog.View) { v.Indexes = []string{"((note::pg_catalog.tsquery))"} },
		source: "UPDATE public.people SET note = '" + secret + " and more', ts = ts + interval '1 day'",
	},
	{
		name: "a check of somebody's", in: []catalog.Strategy{catalog.Incremental, catalog.Merge},
		put:    "ALTER TABLE %s ADD CHECK (note <> '" + secret + "')",
		source: "UPDATE public.people SET note = '" + secret + "', ts = ts + interval '1 day'",
	},
	{
		name: "a function that shows the row", in: []catalog.Strategy{catalog.Incremental, catalog.Merge},
		put: "CREATE FUNCTION public.tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no %%', NEW USING ERRCODE = '53100', HINT = NEW; END $$;" +
			"CREATE TRIGGER tell AFTER INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION public.tell()",
		source: "UPDATE public.people SET note = 'x', ts = ts + interval '1 day'",
	},
	{
		name: "what Redshift says", in: catalog.Of(catalog.RemoteSource),
		fail: &redshiftsim.EngineError{Code: "XX000", Message: "Invalid digit, Value '" + secret + "'", Detail: secret, Hint: secret},
	},
	{
		name: "a cast on Redshift", in: catalog.Of(catalog.RemoteSource),
		fail: &redshiftsim.EngineError{Code: "22P02", Message: `invalid input syntax for integer: "` + secret + `"`, Detail: secret, Hint: secret},
	},
}

var peopleSQL = []string{
	"CREATE TABLE public.people (ssn varchar(20), id integer, note varchar(40), ts timestamp)",
	"INSERT INTO public.people VALUES ('" + secret + "', 1, '12', '2026-01-01'), ('999-88-7777', 2, '13', '2026-01-01')",
}

// reader makes a role that owns nothing, and returns a pool of its sessions.
func (b *bundle) reader(t *testing.T, name string) (role string, pool *pgxpool.Pool) {
	t.Helper()
	role = name + "_" + b.cache.Name
	admin := b.cache.AdminPool(t)
	if _, err := admin.Exec(t.Context(), fmt.Sprintf("CREATE ROLE %s LOGIN PASSWORD 'reader'", role)); err != nil {
		t.Fatal(err)
	}
	return role, pgtest.OpenPool(t, b.cache.Cluster.URL(b.cache.Name, role, "reader"))
}

func TestFailures_ShowRowsToTheOwnerOnly(t *testing.T) {
	t.Parallel()
	for _, l := range leaks {
		for _, strategy := range l.in {
			for _, transport := range transportsOf(strategy) {
				if l.name == "a NULL in a key" && strategy == catalog.Nonconcurrent {
					continue
				}
				t.Run(l.name+"/"+string(strategy)+"/"+string(transport), func(t *testing.T) {
					t.Parallel()
					l.isKept(t, strategy, transport)
				})
			}
		}
	}
}

func (l leak) isKept(t *testing.T, strategy catalog.Strategy, transport catalog.Transport) {
	b := setup(t, peopleSQL...)
	role, reader := b.reader(t, "reads")
	var log logtest.Log
	logger, err := infra.NewLogger(&log, "json", "debug")
	if err != nil {
		t.Fatal(err)
	}
	b.runner = refresh.NewRunner(b.pool, refresh.Config{Backoff: quick, Log: logger})
	b.definer = refresh.NewDefiner(b.pool, b.runner)
	v := b.view("people", "SELECT ssn, id, note, ts FROM public.people", strategy)
	v.Key, v.Transport, v.Grantees = []string{"ssn"}, transport, []string{role}
	if strategy == catalog.Incremental {
		v.Watermark = "ts"
	}
	if l.change != nil {
		l.change(&v)
	}
	run := b.add(t, v)
	stored, err := b.store.View(t.Context(), v.Name)
	if err != nil {
		t.Fatal(err)
	}
	if l.put != "" {
		if _, err := b.cache.AdminPool(t).Exec(t.Context(), fmt.Sprintf(l.put, stored.RelationSQL(run.Generation))); err != nil {
			t.Fatal(err)
		}
	}
	if l.source != "" {
		b.change(t, l.source)
	}
	if l.fail != nil {
		b.source.FailNext("public.people", *l.fail)
	}
	failed, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil {
		t.Fatal("the refresh succeeded")
	}
	if failed.Error == nil || failed.PublicError == nil || *failed.PublicError == "" {
		t.Fatalf("the history says %v and %v", failed.Error, failed.PublicError)
	}
	const lastError = "SELECT string_agg(last_error, ',') FROM redcache.freshness"
	var told, mine string
	if err := reader.QueryRow(t.Context(), lastError).Scan(&told); err != nil || told != *failed.PublicError {
		t.Errorf("the reader is told %q, %v, want %q", told, err, *failed.PublicError)
	}
	if err := b.pool.QueryRow(t.Context(), lastError).Scan(&mine); err != nil || mine != *failed.Error {
		t.Errorf("the owner is told %q, %v, want %q", mine, err, *failed.Error)
	}
	for what, text := range map[string]string{"freshness": told, "log": log.String()} {
		for _, value := range []string{secret, "111-22", "999-88"} {
			if strings.Contains(text, value) {
				t.Errorf("the %s has a value of a row:\n%s", what, text)
			}
		}
	}
	if failed.Hint != nil && strings.Contains(*failed.Hint, secret) {
		t.Errorf("the hint has a value of a row: %s", *failed.Hint)
	}
	if t.Logf("%s", *failed.PublicError); !strings.Contains(log.String(), `"run_id":`+fmt.Sprint(failed.ID)) {
		t.Errorf("the log does not name run %d:\n%s", failed.ID, log.String())
	}
}

func TestFreshness_ShowsTheViewsThatOneMayRead(t *testing.T) {
	t.Parallel()
	b := setup(t, peopleSQL...)
	one, oneReads := b.reader(t, "one")
	few, fewReads := b.reader(t, "few")
	_, noneReads := b.reader(t, "none")
	for _, name := range []string{"open", "closed", "narrow", "unfilled"} {
		v := b.view(name, "SELECT ssn, id FROM public.people", catalog.Swap)
		v.Key = []string{"ssn"}
		if name == "open" {
			v.Grantees = []string{one}
		}
		if name == "unfilled" {
			if _, err := b.definer.Add(t.Context(), v, true, nil); err != nil {
				t.Fatal(err)
			}
			continue
		}
		b.add(t, v)
	}
	for _, statement := range []string{
		"GRANT USAGE ON SCHEMA bi, redcache TO " + few, "GRANT SELECT (id) ON bi.narrow TO " + few,
		"GRANT SELECT ON redcache.freshness TO PUBLIC", "GRANT USAGE ON SCHEMA redcache TO PUBLIC",
		"GRANT SELECT ON bi.closed TO PUBLIC", "REVOKE USAGE ON SCHEMA bi FROM PUBLIC",
	} {
		if _, err := b.pool.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	const names = "SELECT view FROM redcache.freshness"
	for who, want := range map[string]struct {
		pool *pgxpool.Pool
		want []string
	}{
		"one of a view":     {oneReads, []string{`"bi.closed" `, `"bi.open" `}},
		"one of a column":   {fewReads, []string{`"bi.closed" `, `"bi.narrow" `}},
		"one of no schema":  {noneReads, nil},
		"the owner":         {b.pool, []string{`"bi.closed" `, `"bi.narrow" `, `"bi.open" `, `"bi.unfilled" `}},
		"an administrator ": {b.cache.AdminPool(t), []string{`"bi.closed" `, `"bi.narrow" `, `"bi.open" `, `"bi.unfilled" `}},
	} {
		if got := rows(t, want.pool, names); strings.Join(got, ",") != strings.Join(want.want, ",") {
			t.Errorf("%s sees %v, want %v", who, got, want.want)
		}
	}
	// A cheap function in a condition is not asked before the view has judged.
	conn, err := oneReads.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, statement := range []string{
		"CREATE TEMPORARY TABLE seen (what text)",
		`CREATE FUNCTION pg_temp.peek(text) RETURNS boolean COST 0.0000001 LANGUAGE plpgsql AS
		 $$ BEGIN INSERT INTO seen VALUES ($1); RETURN true; END $$`,
		"SELECT * FROM redcache.freshness WHERE pg_temp.peek(view) AND pg_temp.peek(last_error)",
	} {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var peeked string
	err = conn.QueryRow(t.Context(), "SELECT coalesce(string_agg(what, ','), '') FROM seen").Scan(&peeked)
	if err != nil || strings.Contains(peeked, "narrow") || strings.Contains(peeked, "unfilled") {
		t.Errorf("a function has seen %s (%v)", peeked, err)
	}
	for _, table := range []string{"run", "state", "watermark", "view", "link", "link_state"} {
		if _, err := tryRows(t.Context(), oneReads, "SELECT * FROM redcache."+table); err == nil {
			t.Errorf("an application may read redcache.%s", table)
		}
	}
}
