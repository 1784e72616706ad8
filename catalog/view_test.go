package catalog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

func sales() catalog.View {
	return catalog.View{
		Name:  catalog.Name{Schema: "bi", View: "sales"},
		Query: "SELECT * FROM sales", Strategy: catalog.Nonconcurrent, Timeout: time.Hour, Lookback: "0",
		Columns: []catalog.Column{
			{Name: "id", Type: "bigint"},
			{Name: "region", Type: "character varying(20)"},
			{Name: "doc", Type: "super"},
			{Name: "at", Type: "timestamp without time zone"},
		},
	}
}

func TestView_Validate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*catalog.View)
		want   string // what the error says; empty: none
	}{
		{"plain", func(v *catalog.View) {}, ""},
		{"concurrent", func(v *catalog.View) { v.Strategy, v.Key = "concurrent", []string{"id"} }, ""},
		{"incremental", func(v *catalog.View) { v.Strategy, v.Watermark, v.Lookback = "incremental", "at", "10m" }, ""},
		{"numeric watermark", func(v *catalog.View) { v.Strategy, v.Watermark, v.Lookback = "incremental", "id", "1000" }, ""},
		{"unknown strategy", func(v *catalog.View) { v.Strategy = "fast" }, `strategy "fast" does not exist`},
		{"concurrent without key", func(v *catalog.View) { v.Strategy = "concurrent" }, "needs a key"},
		{"incremental without watermark", func(v *catalog.View) { v.Strategy = "incremental" }, "needs a watermark"},
		{"watermark for nothing", func(v *catalog.View) { v.Watermark = "at" }, "uses no watermark"},
		{"missing key", func(v *catalog.View) { v.Key = []string{"nope"} }, "key column nope does not exist"},
		{"key twice", func(v *catalog.View) { v.Key = []string{"id", "id"} }, "named twice"},
		{"key of no order", func(v *catalog.View) { v.Key = []string{"doc"} }, "cannot identify rows"},
		{"missing watermark", func(v *catalog.View) { v.Strategy, v.Watermark = "incremental", "nope" }, "does not exist"},
		{"watermark of no order", func(v *catalog.View) { v.Strategy, v.Watermark = "incremental", "region" }, "no order"},
		{"lookback of words", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "at", "long"
		}, "no duration"},
		{"lookback in time for numbers", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "id", "10m"
		}, "is numeric"},
		{"lag for numbers", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.SafetyLag = "incremental", "id", time.Minute
		}, "safety lag needs"},
		{"negative", func(v *catalog.View) { v.MaxAge = -1 }, "negative"},
		{"broken promise", func(v *catalog.View) { v.RefreshEvery, v.MaxAge = time.Hour, time.Minute }, "cannot keep"},
		{"no time", func(v *catalog.View) { v.Timeout = 0 }, "timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			v := sales()
			tt.change(&v)
			err := v.Validate()
			if tt.want == "" {
				if err != nil {
					t.Errorf("got %v, want none", err)
				}
				return
			}
			var invalid *catalog.InvalidError
			if !errors.As(err, &invalid) || !strings.Contains(err.Error(), tt.want) || invalid.Hint() == "" {
				t.Errorf("got %v, want an InvalidError about %q with a hint", err, tt.want)
			}
		})
	}
}
