package refresh_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// What a parser has found of a query stands with each generation of it, whoever builds that, and ends with the query.
func TestLineage_StandsWithTheDefinition(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	v := b.salesView(catalog.Swap)
	b.add(t, v)
	wants := func(when, want string) {
		t.Helper()
		all, err := b.store.Lineages(t.Context())
		if got := string(all[v.Name]); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", when, got, err, want)
		}
	}
	now := func() catalog.View {
		t.Helper()
		v, err := b.store.View(t.Context(), v.Name)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	keep := func(v catalog.View, text string) {
		t.Helper()
		if err := b.store.KeepLineage(t.Context(), v, json.RawMessage(text)); err != nil {
			t.Fatal(err)
		}
	}
	change := func(d *refresh.Definer, change func(*catalog.View)) {
		t.Helper()
		if _, err := d.Alter(t.Context(), v.Name, func(v *catalog.View) error { change(v); return nil }, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	const first, second = `{"n": 1, "outputs": []}`, `{"n": 2, "outputs": []}`
	wants("nobody has looked", "")
	keep(now(), first)
	wants("somebody has", first)
	keep(now(), second)
	wants("somebody has again", first)
	b.refresh(t, refresh.Request{View: v.Name})
	wants("the next generation", first)
	change(b.definer, func(v *catalog.View) { v.MaxAge = time.Hour })
	wants("another promise", first)
	change(b.definer, func(v *catalog.View) { v.Indexes = []string{"region"} })
	wants("another index", first)
	before := now()
	change(b.definer.Keeping(time.Hour), func(v *catalog.View) { v.Query += " WHERE id > 0" })
	keep(before, second)
	wants("another query, and somebody has looked at the one before", "")
	keep(now(), second)
	wants("another query", second)
	if _, _, err := b.definer.Rollback(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wants("back to the first query", first)
}
