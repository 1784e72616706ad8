package refresh_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// strangersSchema has functions, domains, types and an operator of a stranger's, in schema ev. The functions fail, and say as
// whom they run.
func (b *bundle) strangersSchema(t *testing.T) (stranger string) {
	t.Helper()
	stranger = b.stranger(t, "evil")
	t.Cleanup(func() { b.sudo(t, `DROP OWNED BY "`+stranger+`" CASCADE`) })
	b.sudo(t, `CREATE SCHEMA ev AUTHORIZATION "`+stranger+`"; GRANT USAGE ON SCHEMA ev TO PUBLIC; GRANT USAGE, CREATE ON SCHEMA public TO redcache_owner;
		SET ROLE "`+stranger+`";
		CREATE FUNCTION ev.f(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE 'ev.f runs as %', current_user; END $$;
		CREATE DOMAIN ev.d AS integer CHECK (ev.f(VALUE) > -1);
		CREATE DOMAIN ev.d2 AS integer;
		CREATE TYPE ev.pair AS (a integer, b integer);
		CREATE TYPE ev.span AS RANGE (subtype = integer);
		CREATE OPERATOR ev.<+> (FUNCTION = int4pl, LEFTARG = integer, RIGHTARG = integer)`)
	b.exec(t, `CREATE DOMAIN public.over AS ev.d2;
		CREATE DOMAIN public.checked AS integer CHECK (ev.f(VALUE) > -1);
		CREATE TYPE public.holder AS (x ev.d2);
		CREATE TYPE public.holders AS (x public.holder[])`)
	return stranger
}

// refusedStranger holds an error against what it has to say: what is whose, and that it did not run.
func refusedStranger(t *testing.T, err error, stranger, whose, what string) {
	t.Helper()
	want := whose + " uses " + what + `, which belongs to role ` + stranger + ` of the cache database`
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "ev.f runs as") || infra.Hint(err) == "" {
		t.Errorf("got %v, hint %q; want what says %q", err, infra.Hint(err), want)
	}
}

// What belongs to a stranger is not made part of what the owner of the cache runs, however it is written.
func TestStrangers_AreNotPartOfADefinition(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales := b.salesView(catalog.Swap)
	b.add(t, sales)
	stranger := b.strangersSchema(t)
	const index = "its index USING btree "
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Live} {
		for expression, what := range map[string]string{
			"ev.f(id)":                                    "function ev.f",
			"id::ev.d::integer":                           "function ev.f",
			"id::public.checked::integer":                 "function ev.f",
			"id::ev.d2::integer":                          "domain ev.d2",
			"id::ev.d2":                                   "domain ev.d2",
			"id::public.over::integer":                    "domain ev.d2",
			"(ARRAY[id]::ev.d2[])[1]::integer":            "domain ev.d2",
			"upper(ev.span(id::integer, NULL))":           "type ev.span",
			"upper(NULL::ev.span)":                        "type ev.span",
			"id::integer OPERATOR(ev.<+>) 1":              "operator ev.<+>(integer,integer)",
			"count(*) FILTER (WHERE id::ev.d = 1)":        "function ev.f",
			"max(ARRAY[id::text]::ev.d2[]::text)":         "domain ev.d2",
			"(SELECT max(x::ev.d) FROM (SELECT 1) y (x))": "function ev.f",
		} {
			v := b.localView("wrong", "SELECT "+expression+" AS a FROM "+sales.Name.SQL(), strategy)
			if strings.Contains(expression, "max(ARRAY") || strings.Contains(expression, "count") {
				v.Query += " GROUP BY region"
			}
			err := b.addAndDrop(t, v)
			refusedStranger(t, err, stranger, "its query", what)
		}
	}
	for written, want := range map[string][2]string{
		"ev.f(id)":                                {"(ev.f(id))", "function ev.f"},
		"id) WHERE (ev.f(id) > 0":                 {"(id) WHERE (ev.f(id) > 0)", "function ev.f"},
		"((id::integer)::ev.d)":                   {"", "function ev.f"},
		"((id::integer)::ev.d2)":                  {"", "domain ev.d2"},
		"(id::integer OPERATOR(ev.<+>) 1)":        {"", "operator ev.<+>(integer,integer)"},
		"((ROW(id, 1)::ev.pair).a)":               {"", "type ev.pair"},
		"(((ROW(id)::public.holder).x)::integer)": {"", "domain ev.d2"},
		"(cardinality((NULL::public.holders).x))": {"", "domain ev.d2"},
		"USING hash ((id::ev.d2))":                {"", "domain ev.d2"},
		"region, (ARRAY[id]::ev.d[])":             {"", "function ev.f"},
	} {
		definitions := []catalog.View{b.localView("wrong", "SELECT id, region FROM "+sales.Name.SQL(), catalog.Swap)}
		for _, strategy := range []catalog.Strategy{catalog.Nonconcurrent, catalog.Merge} {
			v := b.salesView(strategy)
			v.Name.View = "wrong"
			definitions = append(definitions, v)
		}
		for _, v := range definitions {
			v.Indexes = []string{written}
			err := b.addAndDrop(t, v)
			whose := "its index USING "
			if want[0] != "" {
				whose = index + want[0]
			}
			refusedIndex(t, err, stranger, whose, want[1])
		}
	}
	b.wantNothingLeft(t)
}

// addAndDrop adds a view, and does not leave it in the way of the next when nothing has refused it.
func (b *bundle) addAndDrop(t *testing.T, v catalog.View) error {
	t.Helper()
	_, err := b.definer.Add(t.Context(), v, false, nil)
	if err == nil {
		err = b.definer.Drop(t.Context(), v.Name)
	}
	return err
}

func refusedIndex(t *testing.T, err error, stranger, whose, what string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), whose) {
		t.Errorf("got %v, want what says %q", err, whose)
	}
	refusedStranger(t, err, stranger, "", what)
}

// What was let in once, since it was ours then, or by an older version, is not run any more: the old rows stay, and a definition
// without it mends that. Ours is run.
func TestStrangers_AreNotRunByARefresh(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	sales := b.salesView(catalog.Swap)
	b.add(t, sales)
	stranger := b.strangersSchema(t)
	b.exec(t, `CREATE FUNCTION public.f(integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT $1';
		CREATE DOMAIN public.d AS integer CHECK (public.f(VALUE) = VALUE)`)
	var all []catalog.View
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge} {
		v := b.localView("local_"+string(strategy), "SELECT id, id::integer::public.d::integer AS n FROM "+sales.Name.SQL(), strategy)
		if strategy == catalog.Merge {
			v.Key = []string{"id"}
		}
		all = append(all, v)
	}
	for _, strategy := range []catalog.Strategy{catalog.Nonconcurrent, catalog.Concurrent, catalog.Incremental, catalog.Merge, catalog.Swap} {
		v := b.salesView(strategy)
		v.Name.View = "remote_" + string(strategy)
		v.Indexes = []string{"public.f(id::integer)"}
		all = append(all, v)
	}
	for _, v := range all {
		b.add(t, v)
		b.refresh(t, refresh.Request{View: v.Name, Whole: true})
	}
	b.sudo(t, `ALTER DOMAIN public.d OWNER TO "`+stranger+`"; ALTER FUNCTION public.f OWNER TO "`+stranger+`"`)
	b.sudo(t, `GRANT CREATE ON SCHEMA public TO "`+stranger+`"; SET ROLE "`+stranger+`";
		CREATE OR REPLACE FUNCTION public.f(integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE 'ev.f runs as %', current_user; END $$`)
	b.change(t, `UPDATE public.sales SET amount = amount + 1, updated_at = now()`)
	for _, v := range all {
		_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name, Whole: true})
		refusedStranger(t, err, stranger, "", "function public.f")
		if n := rows(t, b.pool, "SELECT id FROM "+v.Name.SQL()); len(n) == 0 {
			t.Errorf("view %s has lost its rows", v.Name)
		}
		if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) {
			v.Indexes = nil
			v.Query = strings.ReplaceAll(v.Query, "::public.d", "")
		}); err != nil {
			t.Errorf("alter view %s: %v\nhint: %s", v.Name, err, infra.Hint(err))
		}
		b.refresh(t, refresh.Request{View: v.Name, Whole: true})
	}
}
