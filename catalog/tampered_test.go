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
