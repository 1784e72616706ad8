package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/redcache/redcache/pipeline"
)

// layers is a project of three views, each of which reads the one before, with what else their headers say.
func layers(t *testing.T, raw, middle, leaf string) *pipeline.Project {
	t.Helper()
	dir := fstest.MapFS{}
	for name, file := range map[string][2]string{
		"raw": {raw, "SELECT id FROM public.item"}, "middle": {middle, "SELECT id FROM bi.raw"}, "leaf": {leaf, "SELECT id FROM bi.middle"},
	} {
		text := fmt.Sprintf("-- @matview-schema bi\n-- @matview-name %s\n%s\n%s\n", name, file[0], file[1])
		dir[name+".sql"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(text, "@@", "-- @"))}
	}
	p, problems := pipeline.Load(dir)
	if problems != nil {
		t.Fatal(problems)
	}
	return p
}

// What a leaf promises says how often all that it stands on is refreshed, where nothing else is said.
func TestCompare_IntervalsFollowFromPromises(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		raw, middle, leaf string
		want              []string // intervals
		wrong             string
	}{
		"nothing is promised":    {"@@link dw", "", "", []string{"0s", "0s", "0s"}, ""},
		"by the leaf alone":      {"@@link dw", "", "@@max-age 4h", []string{"1h0m0s", "1h0m0s", "1h0m0s"}, ""},
		"one is said":            {"@@link dw", "@@every 2h", "@@max-age 4h", []string{"30m0s", "2h0m0s", "1h0m0s"}, ""},
		"the middle, more":       {"@@link dw", "@@max-age 3m", "@@max-age 4h", []string{"1m0s", "1m0s", "1h0m0s"}, ""},
		"on demand, as is said":  {"@@link dw\n@@every 0", "", "@@max-age 4h", []string{"0s", "1h0m0s", "1h0m0s"}, ""},
		"all intervals are said": {"@@link dw\n@@every 1h", "@@every 1h", "@@every 1h\n@@max-age 3h", []string{"1h0m0s", "1h0m0s", "1h0m0s"}, ""},
		"one keeps no rows":      {"@@link dw", "@@strategy live", "@@max-age 3h", []string{"1h0m0s", "0s", "1h0m0s"}, ""},
		"the leaf keeps none":    {"@@link dw", "", "@@strategy live\n@@max-age 3h", []string{"1h0m0s", "1h0m0s", "0s"}, ""},
		"none, of what is late": {
			"@@link dw\n@@every 2h", "@@every 30m", "@@strategy live\n@@max-age 2h", nil,
			"leaf.sql:1:1: max-age 2h cannot be kept: it keeps no rows, and bi.middle may be 2h30m old by then",
		},
		"more than can be kept": {
			"@@link dw\n@@every 2h", "@@every 30m", "@@every 1h\n@@max-age 3h", nil,
			"leaf.sql:1:1: max-age 3h cannot be kept: it is refreshed every 1h, and bi.middle may be 2h30m old by then",
		},
		"below, more than is left": {
			"@@link dw\n@@every 2h", "", "@@max-age 1h", nil, "leaf.sql:1:1: max-age 1h cannot be kept: it is refreshed every 15m, and bi.middle may be 2h15m old by then",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changes, problems := layers(t, tt.raw, tt.middle, tt.leaf).Compare(nil, false)
			if tt.wrong != "" {
				if len(problems) != 1 || problems[0].Error() != tt.wrong {
					t.Errorf("%v, want %s", problems, tt.wrong)
				}
				return
			}
			var got []string
			for _, c := range changes {
				got = append(got, c.After.RefreshEvery.String())
			}
			if problems != nil || !slices.Equal(got, tt.want) {
				t.Errorf("%v, %v, want %v", got, problems, tt.want)
			}
		})
	}
}
