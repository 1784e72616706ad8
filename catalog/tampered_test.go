package catalog_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

// A duration that somebody has written, and that is longer than any, is as long as can be, and not negative.
func TestDefinition_ReadsDurationsOfAnyLength(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1e12", "1e300", "-1e12"} {
		var d catalog.Definition
		if err := json.Unmarshal([]byte(`{"max_age": `+text+`}`), &d); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		const centuries = 200 * 365 * 24 * time.Hour
		if long := max(d.MaxAge, -d.MaxAge); long < centuries || (d.MaxAge < 0) != (text[0] == '-') {
			t.Errorf("%s: got %s", text, d.MaxAge)
		}
	}
}

// Places in a query that are none there are forgotten, so that nobody writes anything into them.
func TestDefinition_RefusesPlacesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, references := range []string{
		`[{"name": "x"}]`, `[{"name": {"schema": "s", "view": "a"}, "from": -3, "to": 9999}]`,
		`[{"name": {"schema": "s", "view": "a"}, "from": 14, "to": 9999}]`, `[{"name": {"schema": "s", "view": ""}, "from": 14, "to": 17}]`,
		`[{"name": {"schema": "s", "view": "a"}, "from": 14, "to": 14}]`,
		`[{"name": {"schema": "s", "view": "a"}, "from": 14, "to": 17}, {"name": {"schema": "s", "view": "a"}, "from": 14, "to": 17}]`,
	} {
		var d catalog.Definition
		err := json.Unmarshal([]byte(`{"source": {"kind": "local", "query": "SELECT 1 FROM s.a", "references": `+references+`}}`), &d)
		if err == nil || d.Written(func(catalog.Name) string { return "" }) != d.Query {
			t.Errorf("%s: %v, %+v", references, err, d.References)
		}
	}
}
