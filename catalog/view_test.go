package catalog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

func sales() catalog.View {
	v := catalog.NewView(catalog.Name{Schema: "bi", View: "sales"}, catalog.Link{MaxConcurrency: 4})
	v.Query, v.Strategy = "SELECT * FROM sales", catalog.Nonconcurrent
	v.Columns = []catalog.Column{
		{Name: "id", Type: "bigint"},
		{Name: "region", Type: "character varying(20)"},
		{Name: "doc", Type: "super"},
		{Name: "place", Type: "geometry"},
		{Name: "region_shape", Type: "geography"},
		{Name: "visitors", Type: "hllsketch"},
		{Name: "at", Type: "timestamp without time zone"},
	}
	return v
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
		{"refreshed every century and more", func(v *catalog.View) { v.RefreshEvery = 100 * 366 * 24 * time.Hour }, "--every is too long"},
		{"key twice", func(v *catalog.View) { v.Key = []string{"id", "id"} }, "named twice"},
		{"key of no order", func(v *catalog.View) { v.Key = []string{"doc"} }, "cannot identify rows"},
		{"key of shapes", func(v *catalog.View) { v.Key = []string{"place"} }, "cannot identify rows"},
		{"key of shapes on a globe", func(v *catalog.View) { v.Key = []string{"region_shape"} }, "cannot identify rows"},
		{"key of sketches", func(v *catalog.View) { v.Key = []string{"visitors"} }, "cannot identify rows"},
		{"missing watermark", func(v *catalog.View) { v.Strategy, v.Watermark = "incremental", "nope" }, "does not exist"},
		{"watermark of no order", func(v *catalog.View) { v.Strategy, v.Watermark = "incremental", "region" }, "no order"},
		{"lookback of words", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "at", "long"
		}, "neither a duration nor a number"},
		{"lookback in time for numbers", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "id", "10m"
		}, "is numeric"},
		{"lookback of a fraction", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "id", "1.5e3"
		}, ""},
		{"lookback without end", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "id", "inf"
		}, "neither a duration nor a number"},
		{"lookback of too many digits", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "id", "1e999999999"
		}, "neither a duration nor a number"},
		{"lookback of too few digits", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "id", "1e-999999999"
		}, "neither a duration nor a number"},
		{"lookback below zero", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "id", "-0.5"
		}, "neither a duration nor a number"},
		{"lookback of nothing", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback = "incremental", "id", "NaN"
		}, "neither a duration nor a number"},
		{"lag for numbers", func(v *catalog.View) {
			v.Strategy, v.Watermark, v.Lookback, v.SafetyLag = "incremental", "id", "0", time.Minute
		}, "safety lag needs"},
		{"negative", func(v *catalog.View) { v.MaxAge = -1 }, "negative"},
		{"broken promise", func(v *catalog.View) { v.RefreshEvery, v.MaxAge = time.Hour, time.Minute }, "cannot keep"},
		{"no time", func(v *catalog.View) { v.Timeout = 0 }, "timeout"},
		{"swap", func(v *catalog.View) { v.Strategy = "swap" }, ""},
		{"merge", func(v *catalog.View) { v.Strategy, v.Key = "merge", []string{"id"} }, ""},
		{"auto", func(v *catalog.View) { v.Strategy = "auto" }, ""},
		{"merge without key", func(v *catalog.View) { v.Strategy = "merge" }, "merge needs a key"},
		{"unknown transport", func(v *catalog.View) { v.Transport = "pigeon" }, `transport "pigeon" does not exist`},
		{"stream into a materialized view", func(v *catalog.View) { v.Transport = "stream" }, "PostgreSQL itself reads"},
		{"unknown proof", func(v *catalog.View) { v.SkipUnchanged = "luck" }, `skip-unchanged "luck" does not exist`},
		{"more than everything may go", func(v *catalog.View) { v.AllowShrink = 101 }, "allow-shrink is 101"},
		{"split", func(v *catalog.View) { v.Strategy, v.Split, v.Sessions = "swap", "id", 4 }, ""},
		{"split by nothing", func(v *catalog.View) { v.Strategy, v.Sessions = "swap", 2 }, "need a column"},
		{"split by a missing column", func(v *catalog.View) { v.Strategy, v.Split, v.Sessions = "swap", "nope", 2 }, "does not exist"},
		{"split by text", func(v *catalog.View) { v.Strategy, v.Split, v.Sessions = "swap", "region", 2 }, "has no ranges"},
		{"split through dblink", func(v *catalog.View) {
			v.Strategy, v.Split, v.Sessions, v.Transport = "swap", "id", 2, "dblink"
		}, "only transport stream"},
		{"more sessions than the link has", func(v *catalog.View) { v.Strategy, v.Split, v.Sessions = "swap", "id", 5 }, "sessions is 5"},
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
