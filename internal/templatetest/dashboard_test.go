package templatetest_test

import (
	"encoding/json"
	"testing"
)

// The dashboard is what CloudWatch takes, with and without an instance to watch.
func TestDashboard_IsValid(t *testing.T) {
	t.Parallel()
	template := load(t)
	for _, tt := range []struct {
		given   given
		widgets int
	}{{given{}, 8}, {given{"DatabaseInstanceId": "app"}, 10}} {
		body := evaluate(t, template, tt.given).properties("Dashboard")["DashboardBody"].(string)
		var dashboard struct {
			Widgets []struct {
				Type                string
				X, Y, Width, Height int
				Properties          struct {
					Title, Region, View string
					Metrics             [][]any
				}
			}
		}
		if err := json.Unmarshal([]byte(body), &dashboard); err != nil {
			t.Errorf("%v in:\n%s", err, body)
			continue
		}
		if len(dashboard.Widgets) != tt.widgets {
			t.Errorf("widgets: got %d, want %d", len(dashboard.Widgets), tt.widgets)
		}
		taken := map[[2]int]string{}
		for _, w := range dashboard.Widgets {
			p := w.Properties
			if w.Type != "metric" || p.Title == "" || p.Region != "eu-central-1" || p.View == "" || len(p.Metrics) == 0 {
				t.Errorf("widget %q is not complete: %+v", p.Title, w)
			}
			if w.Width != 12 || w.X+w.Width > 24 || taken[[2]int{w.X, w.Y}] != "" {
				t.Errorf("widget %q lies outside, or on %q", p.Title, taken[[2]int{w.X, w.Y}])
			}
			taken[[2]int{w.X, w.Y}] = p.Title
		}
	}
}
