package refresh_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh"
)

// What a parser has found of a query stands with each generation of it, whoever builds that, and ends with the query.
func TestLineage_StandsWithTheDefinition(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	asked := 0
	tracing := b.definer.Keeping(time.Hour).Tracing(func(described []refresh.Described) (map[catalog.Name]json.RawMessage, error) {
		asked++
		return map[catalog.Name]json.RawMessage{described[0].Name: json.RawMessage(fmt.Sprintf(`{"outputs": [], "asked": %d}`, asked))}, nil
	})
	v := b.salesView(catalog.Swap)
	wants := func(when, want string) {
		t.Helper()
		all, err := b.store.Lineages(t.Context())
		if got := string(all[v.Name]); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", when, got, err, want)
		}
	}
	change := func(d *refresh.Definer, change func(*catalog.View)) {
		t.Helper()
		if _, err := d.Alter(t.Context(), v.Name, func(v *catalog.View) error { change(v); return nil }, false, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tracing.Add(t.Context(), v, false, nil); err != nil {
		t.Fatal(err)
	}
	const first, second = `{"asked": 1, "outputs": []}`, `{"asked": 2, "outputs": []}`
	wants("added", first)
	b.refresh(t, refresh.Request{View: v.Name})
	wants("the next generation", first)
	change(b.definer, func(v *catalog.View) { v.MaxAge = time.Hour })
	wants("another promise", first)
	change(b.definer, func(v *catalog.View) { v.Indexes = []string{"region"} })
	wants("another index", first)
	change(tracing, func(v *catalog.View) { v.Query += " WHERE id > 0" })
	wants("another query, looked at", second)
	if _, _, err := b.definer.Rollback(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	wants("back to the first query", first)
	change(b.definer, func(v *catalog.View) { v.Query += " WHERE id > 1" })
	wants("another query, at which nobody has looked", "")
}
