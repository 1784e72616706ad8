package main

import (
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
)

// A local view is behind its oldest input, and behind none where one is not filled, or all are older.
func TestLags_AreBehindTheOldestInput(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) *time.Time { return new(noon.Add(time.Duration(minutes) * time.Minute)) }
	status := func(name string, asOf *time.Time, inputs ...string) catalog.Status {
		s := catalog.Status{View: catalog.View{Name: catalog.Name{Schema: "bi", View: name}}}
		s.AsOf = asOf
		for _, input := range inputs {
			s.View.References = append(s.View.References, catalog.Reference{Name: catalog.Name{Schema: "bi", View: input}})
		}
		return s
	}
	got := lagsOf([]catalog.Status{
		status("old", at(0)), status("new", at(9)), status("empty", nil),
		status("behind", at(-5), "new", "old"), status("level", at(0), "new", "old"), status("ahead", at(7), "old"),
		status("waits", at(-5), "new", "empty"), status("waits_too", at(-5), "empty", "new"), status("never", nil, "new"),
		status("deep", at(-6), "behind"),
	})
	want := map[string]time.Duration{"behind": 5 * time.Minute, "deep": time.Minute}
	for name, lag := range got {
		if want[name.View] != lag {
			t.Errorf("%s is %s behind, want %s", name.View, lag, want[name.View])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d are behind, want %d", len(got), len(want))
	}
}
