package pipeline_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/refresh"
)

// A plan in a file is applied as it was made, or not at all.
func TestSaved_HoldsWhatItWasMadeFor(t *testing.T) {
	t.Parallel()
	pool := linked(t, salesTables...)
	first := compare(t, pool, project(t, sales, top), false)
	if err := apply(t, pool, first, false); err != nil {
		t.Fatal(err)
	}
	changes := compare(t, pool, project(t, sales+" WHERE id > 3", ""), true)
	described, err := definer(pool).Describe(t.Context(), pipeline.Apply(changes))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(pipeline.Save(pipeline.Plan(changes, described)))
	if err != nil {
		t.Fatal(err)
	}
	saved, err := pipeline.ReadSaved(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	live, err := catalog.In(pool).Views(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := saved.Compare(live); err != nil {
		t.Error(err)
	}
	if err := saved.Judge(described); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct {
		name, want string
		moves      func(sales *catalog.View)
	}{
		{"another definition", "bi.sales has changed", func(v *catalog.View) { v.MaxAge = time.Hour }},
		{"altered, and back again", "bi.sales has changed", func(v *catalog.View) { v.ChangedAt = v.ChangedAt.Add(time.Microsecond) }},
		{"another view of the name", "bi.sales has been dropped and added again", func(v *catalog.View) { v.ID++ }},
	} {
		moved := append([]catalog.View(nil), live...)
		for i := range moved {
			if moved[i].Name.View == "sales" {
				tt.moves(&moved[i])
			}
		}
		if _, err := saved.Compare(moved); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if _, err := saved.Compare(live[:1]); err == nil || !strings.Contains(err.Error(), live[1].Name.String()+" has been dropped") {
		t.Errorf("a view that is gone: %v", err)
	}
	after := *described[0].After
	after.Columns = after.Columns[1:]
	err = saved.Judge([]refresh.Described{{Name: after.Name, Before: described[0].Before, After: &after}})
	if err == nil || !strings.Contains(err.Error(), "would get other columns by now") {
		t.Errorf("other columns: %v", err)
	}
}

func TestReadSaved_RefusesWhatIsNoPlan(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, `nonsense`, `{}`, `[]`, `{"redcache_plan": 0, "views": []}`,
		`{"redcache_plan": 1, "views": [{}]}`,
		`{"redcache_plan": 1, "views": [{"schema": "bi", "view": "a", "change": "added"}]}`,
		`{"redcache_plan": 1, "views": [{"schema": "bi", "view": "a", "change": "removed"}]}`,
		`{"redcache_plan": 1, "views": [{"schema": "bi", "view": "a", "change": "mended", "base": {}, "definition": {}}]}`,
	} {
		if _, err := pipeline.ReadSaved(strings.NewReader(text)); err == nil || err.Error() != "it is no plan" {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := pipeline.ReadSaved(strings.NewReader(`{"redcache_plan": 2, "views": []}`)); err == nil || !strings.Contains(err.Error(), "form 2") {
		t.Error(err)
	}
}
