package schedule_test

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/schedule"
)

func TestChoose_GivesPlacesToTheLinkWithTheFewest(t *testing.T) {
	t.Parallel()
	due := func(links ...int32) (list []catalog.Due) {
		for i, link := range links {
			list = append(list, catalog.Due{ViewID: int32(i), LinkID: link})
		}
		return list
	}
	for _, tt := range []struct {
		name    string
		due     []catalog.Due
		free    int
		running map[int32]int
		want    []int32 // view ids, which are positions in due
	}{
		{"nothing due", nil, 4, nil, nil},
		{"no place", due(1, 2), 0, nil, nil},
		{"one link, in order", due(1, 1, 1), 2, nil, []int32{0, 1}},
		{"up to the limit", due(1, 1, 1, 1), 4, nil, []int32{0, 1, 2}},
		{"what runs counts", due(1, 1, 1), 4, map[int32]int{1: 2}, []int32{0}},
		{"links take turns", due(1, 1, 2, 2), 4, nil, []int32{0, 2, 1, 3}},
		{"the idle link first", due(1, 1, 2), 1, map[int32]int{1: 2}, []int32{2}},
		{"a full link hides no other", due(1, 1, 1, 2), 4, map[int32]int{1: 3}, []int32{3}},
		{"a link that is not known yet waits", due(9, 1), 4, nil, []int32{1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			running := map[int32]int{}
			maps.Copy(running, tt.running)
			var got []int32
			for _, d := range schedule.Choose(tt.due, tt.free, running, map[int32]int{1: 3, 2: 3}) {
				got = append(got, d.ViewID)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Whatever is due and runs, limits hold, no view is chosen twice, and no place stays free that a view could have.
func TestChoose_KeepsLimitsAndLeavesNoPlaceFree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		link := rapid.Int32Range(1, 4)
		var due []catalog.Due
		for i, id := range rapid.SliceOfN(link, 0, 30).Draw(t, "due") {
			due = append(due, catalog.Due{ViewID: int32(i), LinkID: id})
		}
		free := rapid.IntRange(0, 8).Draw(t, "free")
		limits := rapid.MapOf(link, rapid.IntRange(1, 4)).Draw(t, "limits")
		before := rapid.MapOf(link, rapid.IntRange(0, 4)).Draw(t, "running")
		running := maps.Clone(before)
		left := slices.Clone(due)
		chosen := schedule.Choose(due, free, maps.Clone(before), limits)
		for _, d := range chosen {
			i := slices.Index(left, d)
			if i < 0 {
				t.Fatalf("view %d was chosen twice or is not due", d.ViewID)
			}
			left = slices.Delete(left, i, i+1)
			if running[d.LinkID]++; running[d.LinkID] > limits[d.LinkID] {
				t.Fatalf("link %d has %d, its limit is %d", d.LinkID, running[d.LinkID], limits[d.LinkID])
			}
		}
		if len(chosen) > free {
			t.Fatalf("%d were chosen for %d places", len(chosen), free)
		}
		for _, d := range left {
			if len(chosen) < free && running[d.LinkID] < limits[d.LinkID] {
				t.Fatalf("view %d could have had a place", d.ViewID)
			}
		}
	})
}
