package refresh_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh"
)

// orderSQL is a source of orders that pass all checks, and of customers; 'now' is a load of a moment ago.
var orderSQL = []string{
	`CREATE TABLE public.customers (id integer, name varchar(20))`,
	`INSERT INTO public.customers SELECT i, 'c ' || i FROM generate_series(1, 10) i`,
	`CREATE TABLE public.orders (id integer, customer integer, region varchar(20), net numeric(12,2), at timestamp)`,
	`INSERT INTO public.orders SELECT i, 1 + i % 10, CASE i % 2 WHEN 0 THEN 'north' ELSE 'south' END, i, now() AT TIME ZONE 'UTC' - interval '1 minute' + i * interval '1 ms'
	 FROM generate_series(1, 100) i`,
	`CREATE TABLE public.was AS TABLE public.orders`,
}

// checks are one of each kind, each with a change of the source that it holds back, and what it says of that.
var checks = []struct {
	check, breaks string
	says, shows   string // to everybody, and beyond that to the owner
}{
	{"rows > 0", "DELETE FROM public.orders", "check rows > 0 failed: 0 rows", ""},
	{"rows <= 100", "INSERT INTO public.orders SELECT 101, 1, 'north', 5, max(at) + interval '1 ms' FROM public.orders", "check rows <= 100 failed: 101 rows", ""},
	{"rows_change < 20%", "DELETE FROM public.orders WHERE id > 80", "check rows_change < 20% failed: 80 rows, and 100 before: 20.0 %", ""},
	{
		"rows_change <= 10%", "INSERT INTO public.orders SELECT id + 100, customer, region, net, at + interval '100 ms' FROM public.orders WHERE id <= 11",
		"check rows_change <= 10% failed: 111 rows, and 100 before: 11.0 %", "",
	},
	{
		"not_null(region)", "UPDATE public.orders SET region = NULL WHERE id IN (4, 7, 9, 12, 15, 16)",
		"check not_null(region) failed: 6 of 100 rows", "; key id: 4, 7, 9, 12, 15",
	},
	{"unique(customer, net)", "UPDATE public.orders SET net = 3 WHERE id IN (3, 13, 23)", "check unique(customer, net) failed: 3 of 100 rows", "; (customer, net): (4, 3."},
	{
		"accepted(region, 'north', 'south')", `UPDATE public.orders SET region = E'x\ny' WHERE id = 5`,
		"check accepted(region, 'north', 'south') failed: 1 of 100 rows", "; key id: 5",
	},
	{"freshness(at) < 1h", "UPDATE public.orders SET at = at - interval '1 day'", "check freshness(at) < 1h failed: none of 100 rows is that new", "; the newest at is 2"},
	{"references(customer, bi.customers.id)", "UPDATE public.orders SET customer = 11 WHERE id = 8", "check references(customer, bi.customers.id) failed: 1 of 100 rows", "; key id: 8"},
	{"sql(net >= 0 -- or is not known)", "UPDATE public.orders SET net = -1 WHERE id IN (2, 10)", "check sql(net >= 0 -- or is not known) failed: 2 of 100 rows", "; key id: 2, 10"},
}

// customers adds the view that orders refer to.
func (b *bundle) customers(t *testing.T) {
	t.Helper()
	b.add(t, b.view("customers", "SELECT id, name FROM public.customers", catalog.Swap))
}

// ordersView is a view of the orders by a strategy, without checks.
func (b *bundle) ordersView(strategy catalog.Strategy) catalog.View {
	v := b.view("orders", "SELECT id, customer, region, net, at FROM public.orders", strategy)
	v.Key, v.AllowShrink = []string{"id"}, 100
	if its, _ := strategy.Traits(); its.Watermark {
		v.Watermark, v.Lookback = "at", "10d"
	}
	if its, _ := strategy.Traits(); !its.Guarded {
		v.AllowShrink = catalog.Defaults().AllowShrink
	}
	return v
}

// allChecks are all of them, each behind a word.
func allChecks(before string) (all []string) {
	for _, c := range checks {
		all = append(all, before+c.check)
	}
	return all
}

// wantHeldBack wants a refresh to fail by a check, with values of rows for those who may see them, and for nobody else.
func (b *bundle) wantHeldBack(t *testing.T, req refresh.Request, says, shows string) {
	t.Helper()
	seen := rows(t, b.readers, "SELECT * FROM "+req.View.SQL())
	run, err := b.runner.Refresh(t.Context(), req)
	if _, is := errors.AsType[*refresh.CheckError](err); !is || run.State != catalog.Failed || run.Attempts != 1 || run.Error == nil || run.PublicError == nil {
		t.Fatalf("%s: %s after %d attempts: %v", says, run.State, run.Attempts, err)
	}
	for _, told := range []string{*run.Error, err.Error()} {
		if !strings.Contains(told, says+shows) {
			t.Errorf("got %q, want %q", told, says+shows)
		}
	}
	for _, told := range []string{*run.PublicError, redshift.Public(err)} {
		if !strings.Contains(told, says) || shows != "" && strings.Contains(told, shows) {
			t.Errorf("everybody is told %q", told)
		}
	}
	if !strings.Contains(infra.Hint(err), "--check says all checks of a view anew") || run.Hint == nil || *run.Hint != infra.Hint(err) {
		t.Errorf("the hint is %q", infra.Hint(err))
	}
	b.wantRows(t, catalog.View{Name: req.View}, seen)
}

// Each check holds a bad load back, by every strategy: readers, another role, see the old rows, and the run says which check it was
// and shows keys to the owner. It lets a good load through.
func TestCheck_HoldsBackABadLoadAndLetsAGoodOneThrough(t *testing.T) {
	t.Parallel()
	for _, strategy := range catalog.Of(catalog.RemoteSource) {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, orderSQL...)
			b.customers(t)
			v := b.ordersView(strategy)
			v.Transport, v.Checks = transportsOf(strategy)[0], allChecks("")
			b.add(t, v)
			b.eachCheckOf(t, v, func() {})
		})
	}
}

// So it is of what is computed here.
func TestCheck_OfALocalView(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Merge} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, orderSQL...)
			b.customers(t)
			below := b.ordersView(catalog.Merge)
			below.Name.View = "below"
			b.add(t, below)
			v := b.localView("orders", "SELECT id, customer, region, net, at FROM bi.below", strategy)
			v.Key, v.AllowShrink, v.Checks = []string{"id"}, 100, allChecks("")
			b.add(t, v)
			b.eachCheckOf(t, v, func() { b.refresh(t, refresh.Request{View: below.Name}) })
		})
	}
}

// eachCheckOf has a view with all checks fail by each of them, and take a good load in between; bring takes the rows of the source
// to what the view reads.
func (b *bundle) eachCheckOf(t *testing.T, v catalog.View, bring func()) {
	t.Helper()
	whole := refresh.Request{View: v.Name, Whole: true}
	for i, c := range checks {
		b.change(t, c.breaks)
		bring()
		b.wantHeldBack(t, whole, c.says, c.shows)
		b.mendOrders(t, i)
		bring()
		if run := b.refresh(t, whole); strings.Contains(reasonOf(run), "check") {
			t.Errorf("a good load: %q", reasonOf(run))
		}
		b.wantRows(t, v, rows(t, b.source.Engine, "SELECT id, customer, region, net, at FROM public.orders"))
	}
	b.wantNothingLeft(t)
}

// mendOrders gives the source rows that pass all checks, others each time.
func (b *bundle) mendOrders(t *testing.T, time int) {
	t.Helper()
	b.change(t, "TRUNCATE public.orders")
	b.change(t, "INSERT INTO public.orders SELECT id, customer, region, net + 0.01 * $1::integer, at FROM public.was", time)
}

// What only warns lets the rows through, and is a remark of the run.
func TestCheck_ThatWarnsLetsThrough(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Incremental} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			b := setup(t, orderSQL...)
			b.customers(t)
			v := b.ordersView(strategy)
			v.Checks = allChecks("warn ")
			b.add(t, v)
			for i, c := range checks {
				b.change(t, c.breaks)
				run := b.refresh(t, refresh.Request{View: v.Name, Whole: true})
				warned := strings.Replace(c.says, " failed: ", " warns: ", 1)
				if !strings.Contains(reasonOf(run), warned+c.shows) || !strings.Contains(run.PublicReason, warned) ||
					c.shows != "" && strings.Contains(run.PublicReason, c.shows) {
					t.Errorf("reason %q, for everybody %q, want %q", reasonOf(run), run.PublicReason, warned+c.shows)
				}
				b.wantRows(t, v, rows(t, b.source.Engine, "SELECT id, customer, region, net, at FROM public.orders"))
				b.mendOrders(t, i)
				b.refresh(t, refresh.Request{View: v.Name, Whole: true})
			}
			b.wantNothingLeft(t)
		})
	}
}

// A read past the watermark is held against the checks with all that is there already, and its watermark stays where it was.
func TestCheck_OfAReadPastTheWatermark(t *testing.T) {
	t.Parallel()
	b := setup(t, orderSQL...)
	v := b.ordersView(catalog.Incremental)
	v.Lookback, v.Checks = "0s", []string{"unique(net)", "rows = 100"}
	b.add(t, v)
	seen := rows(t, b.readers, "SELECT * FROM "+v.Name.SQL())
	b.change(t, "INSERT INTO public.orders SELECT 101, 1, 'north', 5, max(at) + interval '1 ms' FROM public.orders")
	run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	if err == nil || run.Whole || !strings.Contains(err.Error(), "check rows = 100 failed: 101 rows; check unique(net) failed: 2 of 101 rows; net: 5.00") {
		t.Errorf("whole %t: %v", run.Whole, err)
	}
	b.wantRows(t, v, seen)
	b.change(t, "DELETE FROM public.orders WHERE id = 5")
	b.refresh(t, refresh.Request{View: v.Name, Whole: true})
	b.wantRows(t, v, rows(t, b.source.Engine, "SELECT id, customer, region, net, at FROM public.orders"))
	b.wantNothingLeft(t)
}

// What is added or changed is held against its checks before anybody sees it.
func TestCheck_HoldsBackAChange(t *testing.T) {
	t.Parallel()
	b := setup(t, orderSQL...)
	v := b.ordersView(catalog.Swap)
	v.Checks = []string{"sql(net < 100)"}
	_, err := b.definer.Add(t.Context(), v, false, nil)
	wantSaid(t, err, "check sql(net < 100) failed: 1 of 100 rows; key id: 100", "Nothing has changed.")
	if left := rows(t, b.pool, "SELECT FROM redcache.view"); left != nil {
		t.Errorf("%d views are there", len(left))
	}
	v.Checks = []string{"sql(net <= 100)"}
	b.add(t, v)
	seen := rows(t, b.readers, "SELECT * FROM "+v.Name.SQL())
	err = <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Query = "SELECT id, customer, region, net + 1 AS net, at FROM public.orders" })
	wantSaid(t, err, "check sql(net <= 100) failed: 1 of 100 rows; key id: 100")
	b.wantRows(t, v, seen)
	// A check needs no other rows, and those that are there are not held against it.
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Checks = []string{"sql(net < 100)"} }); err != nil {
		t.Fatal(err)
	}
	if now, _, err := b.store.ViewAndState(t.Context(), v.Name); err != nil || now.Generation != 1 {
		t.Errorf("generation %d, %v", now.Generation, err)
	}
	b.wantNothingLeft(t)
}

// Without a key the values themselves are shown, each once; and all of what people would not see is escaped.
func TestCheck_ShowsValuesWithoutAKey(t *testing.T) {
	t.Parallel()
	b := setup(t, orderSQL...)
	v := b.ordersView(catalog.Swap)
	v.Key, v.Checks = nil, []string{"accepted(region, 'north', 'south')", "not_null(net)", "sql(customer > 0)"}
	b.add(t, v)
	b.change(t, `UPDATE public.orders SET region = E'x\n\x1b[1m' || id, net = NULL, customer = 0 WHERE id <= 6`)
	_, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
	wantSaid(t, err, "check accepted(region, 'north', 'south') failed: 6 of 100 rows"+
		`; region: x\n\x1b[1m1, x\n\x1b[1m2, x\n\x1b[1m3, x\n\x1b[1m4, x\n\x1b[1m5; check not_null(net) failed: 6 of 100 rows; `+
		"check sql(customer > 0) failed: 6 of 100 rows")
	if told := redshift.Public(err); strings.Contains(told, "x1b") || !strings.HasSuffix(told, "check sql(customer > 0) failed: 6 of 100 rows") {
		t.Errorf("everybody is told %q", told)
	}
	b.wantNothingLeft(t)
}

// What cannot be a check is refused when it is said, with which one and why, and nothing changes.
func TestCheck_RefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := setup(t, orderSQL...)
	b.customers(t)
	v := b.ordersView(catalog.Swap)
	b.add(t, v)
	b.add(t, b.localView("live", "SELECT id FROM bi.customers", catalog.Live))
	stranger := "stranger_" + b.cache.Name
	b.sudo(t, `CREATE ROLE `+stranger)
	b.sudo(t, `CREATE FUNCTION public.fine(integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'; ALTER FUNCTION public.fine OWNER TO `+stranger)
	for check, words := range map[string][]string{
		"rowz > 0":                                {"there is no check rowz; do you mean rows?"},
		"not_null(regoin)":                        {"check not_null(regoin): column regoin does not exist", "did you mean region?"},
		"unique(id, id)":                          {"column id is named twice"},
		"freshness(region) < 1h":                  {"column region has type text, which has no age"},
		"accepted(id, north)":                     {"check accepted(id, 'north'): PostgreSQL refuses it: invalid input syntax for type integer"},
		"references(customer, bi.customer.id)":    {"bi.customer is no view of the cache", "did you mean bi.customers?"},
		"references(customer, bi.customers.idd)":  {"bi.customers has no column idd", "did you mean id?"},
		"references(customer, bi.customers.name)": {"PostgreSQL refuses it: operator does not exist: text pg_catalog.= integer"},
		"references(id, bi.live.id)":              {"bi.live keeps no rows"},
		"sql(nett > 0)":                           {"check sql(nett > 0): PostgreSQL refuses it: column \"nett\" does not exist"},
		"sql(net)":                                {"PostgreSQL refuses it: argument of NOT must be type boolean, not type numeric"},
		"sql(net > )":                             {"PostgreSQL refuses it: syntax error at or near"},
		"sql(sum(net) > 0)":                       {"PostgreSQL refuses it: aggregate functions are not allowed in WHERE"},
		"sql(net > $1)":                           {"PostgreSQL refuses it: there is no parameter $1"},
		"sql(random() < 2)":                       {"it calls pg_catalog.random, which is volatile"},
		"sql(pg_advisory_lock(1) IS NULL)":        {"it calls pg_catalog.pg_advisory_lock, which is volatile"},
		"sql(public.fine(id))":                    {"it uses function public.fine, which belongs to role " + stranger},
		"sql(EXISTS (SELECT FROM redcache.link))": {"it reads redcache.link", "look at the columns of a row only"},
		"sql(EXISTS (SELECT FROM bi.customers))":  {"it reads bi.customers"},
		"sql(xmin IS NOT NULL)":                   {"it names xmin of bi.orders, which is a system column"},
	} {
		err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Checks = []string{"rows > 0", check} })
		if !errors.As(err, new(*catalog.InvalidError)) && !errors.As(err, new(*refresh.RefusedError)) {
			t.Errorf("%s: %v", check, err)
		}
		wantSaid(t, err, words...)
	}
	if now, err := b.store.View(t.Context(), v.Name); err != nil || len(now.Checks) > 0 {
		t.Errorf("its checks are %q, %v", now.Checks, err)
	}
	b.wantNothingLeft(t)
}

// A check that takes for ever ends when the load would, and one that cannot be computed fails the run: each says that it was the
// check, and readers keep what they have.
func TestCheck_ThatCannotBeLookedAt(t *testing.T) {
	t.Parallel()
	b := setup(t, orderSQL...)
	b.customers(t)
	v := b.ordersView(catalog.Merge)
	v.Timeout = 2 * time.Second
	b.add(t, v)
	seen := rows(t, b.readers, "SELECT * FROM "+v.Name.SQL())
	b.change(t, "UPDATE public.orders SET net = 0 WHERE id = 8")
	b.exec(t, `CREATE FUNCTION public.slow(numeric) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT count(*) > 0 FROM generate_series(1, 1000000000)'`)
	b.exec(t, `CREATE FUNCTION public.later(numeric) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT true'`)
	for _, tt := range []struct {
		check, then string
		words       []string
	}{
		{"warn sql(public.slow(net))", "", []string{"check sql(public.slow(net)): the cache database ended the statement", "The view's timeout is 2s"}},
		{"sql(1 / net > 0)", "", []string{"check sql(1 / net > 0): ", "division by zero", "--check says all checks of a view anew"}},
		{"references(customer, bi.customers.id)", "drop", []string{"check references(customer, bi.customers.id): ", "bi.customers"}},
		{"sql(public.later(net))", "", nil},
	} {
		if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Checks = []string{tt.check} }); err != nil {
			t.Fatal(err)
		}
		if tt.then != "" {
			if err := b.definer.Drop(t.Context(), catalog.Name{Schema: "bi", View: "customers"}); err != nil {
				t.Fatal(err)
			}
		}
		if tt.words == nil { // what was the owner's is somebody else's by now
			stranger := "stranger_" + b.cache.Name
			b.sudo(t, `CREATE ROLE `+stranger)
			b.sudo(t, `ALTER FUNCTION public.later OWNER TO `+stranger)
			tt.words = []string{"check sql(public.later(net)): it uses function public.later, which belongs to role " + stranger}
		}
		run, err := b.runner.Refresh(t.Context(), refresh.Request{View: v.Name})
		if run.State != catalog.Failed {
			t.Errorf("%s: %s, %v", tt.check, run.State, err)
		}
		wantSaid(t, err, tt.words...)
		b.wantRows(t, v, seen)
	}
	b.wantNothingLeft(t)
}

// Views that are added together are held against each other as they will be; a view may refer to itself.
func TestCheck_RefersToWhatIsBuiltWithIt(t *testing.T) {
	t.Parallel()
	b := setup(t, orderSQL...)
	orders := b.ordersView(catalog.Swap)
	orders.Checks = []string{"references(customer, bi.customers.id)", "references(customer, bi.orders.id)"}
	customers := b.view("customers", "SELECT id, name FROM public.customers", catalog.Merge)
	customers.Key = []string{"id"}
	if _, err := b.definer.Apply(t.Context(), []refresh.Change{addOf(orders), addOf(customers)}); err != nil {
		t.Fatal(err)
	}
	// A new customer, and an order of his, in one change of both.
	b.change(t, "INSERT INTO public.customers VALUES (11, 'new')")
	b.change(t, "UPDATE public.orders SET customer = 11 WHERE id = 8")
	b.wantHeldBack(t, refresh.Request{View: orders.Name}, "check references(customer, bi.customers.id) failed: 1 of 100 rows", "; key id: 8")
	rebuild := func(v *catalog.View) error { v.Indexes = []string{"id"}; return nil }
	if _, err := b.definer.Apply(t.Context(), []refresh.Change{{Name: orders.Name, Define: rebuild}, {Name: customers.Name, Define: rebuild}}); err != nil {
		t.Fatal(err)
	}
	b.wantEqual(t, orders)
	b.wantEqual(t, customers)
	b.change(t, "UPDATE public.orders SET id = 1000, customer = 11 WHERE id = 11")
	b.wantHeldBack(t, refresh.Request{View: orders.Name}, "check references(customer, bi.orders.id) failed: 2 of 100 rows", "; key id: 8, 1000")
	b.wantNothingLeft(t)
}

func addOf(v catalog.View) refresh.Change {
	return refresh.Change{Name: v.Name, Add: true, Define: func(to *catalog.View) error { *to = v; return nil }}
}

// What bears the name of a view by now, and is somebody else's, is not looked at, nor run as the owner of the cache.
func TestCheck_RefersToNoImpostor(t *testing.T) {
	t.Parallel()
	b := setup(t, orderSQL...)
	b.customers(t)
	v := b.ordersView(catalog.Swap)
	v.Checks = []string{"references(customer, bi.customers.id)"}
	b.add(t, v)
	b.exec(t, "DROP VIEW bi.customers")
	b.exec(t, "CREATE VIEW bi.customers AS SELECT i / (i - 11) AS id FROM generate_series(1, 20) i")
	b.refresh(t, refresh.Request{View: v.Name})
	b.change(t, "UPDATE public.orders SET customer = 15 WHERE id = 8")
	b.wantHeldBack(t, refresh.Request{View: v.Name}, "check references(customer, bi.customers.id) failed: 1 of 100 rows", "; key id: 8")
}

// A view whose source is proven unchanged is read all the same once its checks are others.
func TestCheck_IsLookedAtThoughNothingHasChanged(t *testing.T) {
	t.Parallel()
	b := setup(t, orderSQL...)
	v := b.ordersView(catalog.Merge)
	v.SkipUnchanged = catalog.SkipContent
	b.add(t, v)
	wantState(t, b.runner, refresh.Request{View: v.Name}, catalog.Unchanged)
	if err := <-b.alter(t.Context(), v.Name, func(v *catalog.View) { v.Checks = []string{"rows > 100"} }); err != nil {
		t.Fatal(err)
	}
	b.wantHeldBack(t, refresh.Request{View: v.Name}, "check rows > 100 failed: 100 rows", "")
	b.wantNothingLeft(t)
}

// What a dry run prints of checks is what runs, with its locks.
func TestCheck_IsPlanned(t *testing.T) {
	t.Parallel()
	for _, strategy := range []catalog.Strategy{catalog.Swap, catalog.Incremental, catalog.Concurrent} {
		t.Run(string(strategy), func(t *testing.T) {
			t.Parallel()
			p := setupLogged(t)
			regions := p.view("regions", "SELECT DISTINCT region FROM public.sales", catalog.Swap)
			p.add(t, regions, false)
			v := p.salesView(strategy)
			v.Checks = []string{"rows > 0", "not_null(region)", "unique(id)", "references(region, bi.regions.region)", "warn sql(amount >= 0)"}
			p.add(t, v, false)
			p.change(t, `UPDATE public.sales SET amount = amount + 1, updated_at = '2026-02-01' WHERE id <= 10`)
			p.refresh(t, refresh.Request{View: v.Name})
			p.alter(t, v.Name, "alter: an index", false, func(v *catalog.View) { v.Indexes = []string{"region"} })
			p.alter(t, v.Name, "alter: a check", false, func(v *catalog.View) { v.Checks = slices.Clone(v.Checks)[:1] })
			p.wantNothingLeft(t)
		})
	}
}

// What is not known breaks no check but that it has to be, and no row is no new row.
func TestCheck_WhatIsNotKnown(t *testing.T) {
	t.Parallel()
	b := setup(t, orderSQL...)
	b.customers(t)
	v := b.ordersView(catalog.Swap)
	v.Checks = []string{
		"unique(customer, net)", "accepted(region, 'north', 'south')", "references(customer, bi.customers.id)", "sql(net > 0)", "freshness(at) < 1h",
	}
	b.change(t, "UPDATE public.orders SET customer = NULL, region = NULL, at = NULL, net = 5 WHERE id <= 10")
	b.change(t, "UPDATE public.orders SET net = NULL WHERE id BETWEEN 11 AND 20")
	b.change(t, "UPDATE public.orders SET at = 'infinity' WHERE id = 50")
	b.add(t, v)
	b.wantEqual(t, v)
	b.change(t, "UPDATE public.orders SET at = NULL")
	b.wantHeldBack(t, refresh.Request{View: v.Name}, "check freshness(at) < 1h failed: none of 100 rows is that new", "")
	b.change(t, "DELETE FROM public.orders")
	b.wantHeldBack(t, refresh.Request{View: v.Name}, "check freshness(at) < 1h failed: none of 0 rows is that new", "")
	b.wantNothingLeft(t)
}
