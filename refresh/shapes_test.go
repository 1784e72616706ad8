package refresh_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// shapes is a view that others are computed from, and one of these.
func shapes(t *testing.T) (b *bundle, sales, items, regions catalog.View) {
	b = setup(t, salesSQL...)
	sales = b.salesView(catalog.Swap)
	items = b.view("items", "SELECT id, region, amount FROM public.sales", catalog.Swap)
	b.add(t, sales)
	b.add(t, items)
	return b, sales, items, b.localView("regions", "SELECT region, sum(amount) AS amount FROM bi.items GROUP BY region", catalog.Swap)
}

// without has items return no amounts any more.
func without(v *catalog.View) error {
	v.Query = "SELECT id, region FROM public.sales"
	return nil
}

// takingAway are the changes that would take something away from what reads items.
var takingAway = map[string]refresh.Change{
	"dropped":              {Name: catalog.Name{Schema: "bi", View: "items"}, Drop: true},
	"altered":              {Name: catalog.Name{Schema: "bi", View: "items"}, Define: without},
	"altered without data": {Name: catalog.Name{Schema: "bi", View: "items"}, Define: without, NoData: true},
}

// wantInputs wants every view to have all that it is computed from.
func (b *bundle) wantInputs(t *testing.T) {
	t.Helper()
	for _, row := range rows(t, b.pool, `SELECT schema_name, view_name FROM redcache.awaited WHERE as_of IS NULL`) {
		t.Errorf("a view is computed from %s, which is not there", row)
	}
	views, err := b.store.Views(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range views {
		if v.Kind == catalog.LocalSource {
			b.refresh(t, refresh.Request{View: v.Name})
		}
	}
}

func applying(t *testing.T, b *bundle, c refresh.Change) <-chan error {
	done := make(chan error, 1)
	go func() { done <- second(b.definer.Apply(t.Context(), []refresh.Change{c})) }()
	return done
}

// A view from which something was computed while its change waited for its lock stays as it is.
func TestShapes_AreLookedAtAgainUnderTheLock(t *testing.T) {
	t.Parallel()
	for name, change := range takingAway {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _, items, regions := shapes(t)
			holder := b.holder(t, items)
			changed := applying(t, b, change)
			b.awaitsLock(t)
			b.add(t, regions)
			leave(t, holder)
			if err := await(t, changed); err == nil || !strings.Contains(err.Error(), "bi.regions is computed from it") {
				t.Errorf("got %v", err)
			}
			b.wantEqual(t, items)
			b.wantInputs(t)
			b.wantNothingLeft(t)
		})
	}
}

// An input that has changed while the change of what reads it waited is looked at again.
func TestShapes_OfInputsAreLookedAtAgain(t *testing.T) {
	t.Parallel()
	for name, change := range takingAway {
		for _, noData := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b, sales, _, regions := shapes(t)
				wanted := regions.Query
				regions.Query = strings.ReplaceAll(regions.Query, "bi.items", sales.Name.SQL())
				b.add(t, regions)
				holder := b.holder(t, regions)
				altered := applying(t, b, refresh.Change{
					Name: regions.Name, NoData: noData, Define: func(v *catalog.View) error { v.Query = wanted; return nil },
				})
				b.awaitsLock(t)
				if _, err := b.definer.Apply(t.Context(), []refresh.Change{change}); err != nil {
					t.Fatal(err)
				}
				leave(t, holder)
				if err := await(t, altered); err == nil || !errors.As(err, new(*catalog.InvalidError)) && !strings.Contains(err.Error(), "amount") {
					t.Errorf("got %v", err)
				}
				b.wantInputs(t)
				b.wantNothingLeft(t)
			})
		}
	}
}

// What is being decided nobody else sees. Whoever would take something away from it waits for that.
func TestShapes_StayWhileSomebodyDecidesOnWhatReadsThem(t *testing.T) {
	t.Parallel()
	for name, change := range takingAway {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _, items, regions := shapes(t)
			rights := b.begun(t, `SELECT pg_advisory_xact_lock('redcache.state'::regclass::oid::int, 0)`)
			add := applying(t, b, refresh.Change{
				Name: regions.Name, Add: true, NoData: true, Define: func(to *catalog.View) error { *to = regions; return nil },
			})
			b.awaitsLock(t) // it has decided, and is rehearsed
			changed := applying(t, b, change)
			b.untilSome(t, `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 'redcache.generation'::regclass`)
			leave(t, rights)
			if err := await(t, add); err != nil {
				t.Error(err)
			}
			if err := await(t, changed); err == nil || !strings.Contains(err.Error(), "bi.regions is computed from it") {
				t.Errorf("got %v", err)
			}
			b.wantEqual(t, items)
			b.wantInputs(t)
			b.wantNothingLeft(t)
		})
	}
}

// What somebody is building from a view for hours is not taken from him.
func TestShapes_OfWhatIsBuiltOnAreNotTakenAway(t *testing.T) {
	t.Parallel()
	b, _, items, regions := shapes(t)
	meanwhile := once(refresh.Loading, func() {
		for name, change := range takingAway {
			_, err := b.definer.Apply(t.Context(), []refresh.Change{change})
			if !errors.As(err, new(*catalog.BusyError)) || !strings.Contains(err.Error(), "view bi.items is read by what is being built") {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, harmless := range []func(v *catalog.View) error{
			func(v *catalog.View) error { v.Indexes = []string{"region"}; return nil },
			func(v *catalog.View) error { v.Timeout *= 2; return nil },
		} {
			if _, err := b.definer.Alter(t.Context(), items.Name, harmless, false, nil); err != nil {
				t.Error(err)
			}
		}
	})
	if _, err := b.definer.Add(t.Context(), regions, false, meanwhile); err != nil {
		t.Error(err)
	}
	b.wantNoSets(t)
	b.refresh(t, refresh.Request{View: items.Name}) // what it had before was being read
	b.wantEqual(t, items)
	b.wantInputs(t)
	b.wantNothingLeft(t)
}

// What somebody was building from a view who is gone is in nobody's way.
func TestShapes_OfWhatADeadProcessBuiltOnCanBeTakenAway(t *testing.T) {
	t.Parallel()
	b, sales, _, regions := shapes(t)
	regions.Query = strings.ReplaceAll(regions.Query, "bi.items", sales.Name.SQL())
	b.add(t, regions)
	b.exec(t, `INSERT INTO redcache.set DEFAULT VALUES`)
	b.exec(t, `INSERT INTO redcache.generation (view_id, number, state, set_id, columns, definition)
		SELECT g.view_id, 100, 'building', (SELECT max(s.id) FROM redcache.set s), g.columns,
		       jsonb_set(g.definition, '{source,references,0,name,view}', '"items"')
		FROM redcache.generation g JOIN redcache.view v ON v.id = g.view_id WHERE v.view_name = 'regions'`)
	for _, change := range []refresh.Change{takingAway["altered"], takingAway["dropped"]} {
		if _, err := b.definer.Apply(t.Context(), []refresh.Change{change}); err != nil {
			t.Errorf("%s: %v", change.Name, err)
		}
	}
	b.wantInputs(t)
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// What a view is not to return any more once it is built nobody computes anything from.
func TestShapes_ThatAreToChangeAreNotBuiltOn(t *testing.T) {
	t.Parallel()
	b, _, items, regions := shapes(t)
	meanwhile := once(refresh.Loading, func() {
		_, err := b.definer.Add(t.Context(), regions, false, nil)
		if !errors.As(err, new(*catalog.BusyError)) || !strings.Contains(err.Error(), "view bi.regions reads bi.items, which is being changed") {
			t.Error(err)
		}
	})
	if _, err := b.definer.Alter(t.Context(), items.Name, without, false, meanwhile); err != nil {
		t.Error(err)
	}
	b.wantNoSets(t)

	// Not so of another index.
	meanwhile = once(refresh.Loading, func() { b.add(t, b.localView("ids", "SELECT id FROM bi.items", catalog.Swap)) })
	index := func(v *catalog.View) error { v.Indexes = []string{"region"}; return nil }
	if _, err := b.definer.Alter(t.Context(), items.Name, index, false, meanwhile); err != nil {
		t.Error(err)
	}
	b.wantInputs(t)
	b.wantNothingLeft(t)
}

// A set that drops a view, beside others that are built for it, looks once more before it does.
func TestShapes_AreLookedAtAgainBeforeASetTakesEffect(t *testing.T) {
	t.Parallel()
	b, sales, items, regions := shapes(t)
	meanwhile := once(refresh.Loading, func() { b.add(t, regions) })
	_, err := b.definer.Telling(meanwhile).Apply(t.Context(), []refresh.Change{
		{Name: items.Name, Drop: true},
		{Name: sales.Name, Define: func(v *catalog.View) error { v.Indexes = []string{"region"}; return nil }},
	})
	if err == nil || !strings.Contains(err.Error(), "bi.regions is computed from it") {
		t.Errorf("got %v", err)
	}
	b.wantInputs(t)
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// Two sets that take effect at once see each other: one that drops a view, and one that was built from it.
func TestShapes_StayWhileWhatReadsThemTakesEffect(t *testing.T) {
	t.Parallel()
	b, sales, items, regions := shapes(t)
	waits := func(table string) {
		b.untilSome(t, `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = '`+table+`'::regclass`)
	}
	added, taken := make(chan error, 1), make(chan pgx.Tx, 1)
	meanwhile := once(refresh.Loading, func() { // the drop is decided on, and nobody knows of it
		go func() {
			_, err := b.definer.Add(t.Context(), regions, false, once(refresh.Loading, func() {
				taken <- b.begun(t, `SELECT pg_advisory_xact_lock('redcache.state'::regclass::oid::int, 0)`)
			}))
			added <- err
		}()
		waits("redcache.state")
	})
	dropped := make(chan error, 1)
	go func() {
		dropped <- second(b.definer.Telling(meanwhile).Apply(t.Context(), []refresh.Change{
			{Name: items.Name, Drop: true},
			{Name: sales.Name, Define: func(v *catalog.View) error { v.Indexes = []string{"region"}; return nil }},
		}))
	}()
	rights := await(t, taken)
	waits("redcache.generation")
	leave(t, rights)
	if err := await(t, added); err != nil {
		t.Error(err)
	}
	if err := await(t, dropped); err == nil || !strings.Contains(err.Error(), "bi.regions is computed from it") {
		t.Errorf("got %v", err)
	}
	b.wantInputs(t)
	b.wantNoSets(t)
	b.wantNothingLeft(t)
}

// A local view reads generations: how others call the views over them is all the same to it.
func TestLocal_ReadsAnInputThatOthersHaveMoved(t *testing.T) {
	t.Parallel()
	b, _, items, regions := shapes(t)
	b.add(t, regions)
	for _, statement := range []string{"ALTER VIEW bi.items RENAME TO things", "CREATE SCHEMA elsewhere", "ALTER VIEW bi.things SET SCHEMA elsewhere", "DROP VIEW elsewhere.things"} {
		b.exec(t, statement)
		b.refresh(t, refresh.Request{View: regions.Name})
	}
	b.refresh(t, refresh.Request{View: items.Name})
	b.wantEqual(t, items)

	b.exec(t, "ALTER TABLE "+b.relationOf(t, items)+" SET SCHEMA elsewhere")
	_, err := b.runner.Refresh(t.Context(), refresh.Request{View: regions.Name})
	if err == nil || !strings.Contains(err.Error(), "its input bi.items: ") || !strings.Contains(infra.Hint(err), "Refresh the input first") {
		t.Errorf("got %v, %s", err, infra.Hint(err))
	}
	b.refresh(t, refresh.Request{View: items.Name})
	b.refresh(t, refresh.Request{View: regions.Name})
}

// relationOf is the generation that readers of a view see.
func (b *bundle) relationOf(t *testing.T, v catalog.View) string {
	t.Helper()
	stored, state := b.stateOf(t, v)
	return stored.RelationSQL(*state.Generation)
}

// An input that was switched, and its old generation dropped, between the look at the catalog and that at its rows is looked at
// once more.
func TestLocal_LooksAgainWhereAnInputWasSwitchedMeanwhile(t *testing.T) {
	t.Parallel()
	b, _, items, regions := shapes(t)
	b.add(t, regions)
	old := b.relationOf(t, items)
	other := b.begun(t, "LOCK TABLE "+old+" IN ACCESS EXCLUSIVE MODE")
	refreshing := b.refreshing(t.Context(), refresh.Request{View: regions.Name})
	b.untilSome(t, `SELECT FROM pg_locks WHERE locktype = 'relation' AND NOT granted`)
	next := strings.Replace(old, `_g1"`, `_g2"`, 1)
	for _, statement := range []string{
		"ALTER TABLE " + old + " RENAME TO " + strings.Split(next, ".")[1],
		"UPDATE redcache.view SET generation = 2 WHERE view_name = 'items'",
		"UPDATE redcache.generation g SET number = 2 FROM redcache.view v WHERE v.id = g.view_id AND v.view_name = 'items'",
	} {
		if _, err := other.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := other.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f := await(t, refreshing); f.err != nil || f.run.State != catalog.Succeeded {
		t.Errorf("got %s, %v", f.run.State, f.err)
	}
}

// Nobody goes back to a view that was computed from one that is gone since, or that returns something else.
func TestRollback_IsRefusedWhereWhatItReadIsGone(t *testing.T) {
	t.Parallel()
	for name, change := range takingAway {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, sales, items, regions := shapes(t)
			b.add(t, regions)
			b.add(t, b.localView("total", "SELECT sum(amount) AS amount FROM bi.regions", catalog.Swap))
			now := strings.ReplaceAll(regions.Query, "bi.items", sales.Name.SQL())
			read := func(query string) refresh.Change {
				return refresh.Change{Name: regions.Name, Define: func(v *catalog.View) error { v.Query = query; return nil }}
			}
			if _, err := b.definer.Keeping(longest).Apply(t.Context(), []refresh.Change{read(now)}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.definer.Apply(t.Context(), []refresh.Change{change}); err != nil {
				t.Fatal(err)
			}
			_, _, err := b.definer.Rollback(t.Context(), 0)
			if err == nil || !strings.Contains(err.Error(), "view bi.regions, as it was before: ") {
				t.Errorf("got %v", err)
			}
			b.wantInputs(t)

			if change.Drop { // once it is there again, readers can
				b.add(t, items)
				if _, _, err := b.definer.Rollback(t.Context(), 0); err != nil {
					t.Error(err)
				}
				b.wantInputs(t)
			}
		})
	}
}
