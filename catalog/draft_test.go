package catalog_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
)

func of[T any](value T) *T { return &value }

// What no new view can be, no view can be changed into, and for the same reason.
func TestDraft_RefusesTheSameOfAChange(t *testing.T) {
	t.Parallel()
	swap := catalog.Draft{Strategy: of(catalog.Swap), Query: of("SELECT 1 AS id")}
	incremental := catalog.Draft{Watermark: of("at"), Key: of([]string{"id"}), Query: of("SELECT 1 AS id")}
	concurrent := catalog.Draft{Key: of([]string{"id"}), Query: of("SELECT 1 AS id")}
	for _, tt := range []struct {
		name   string
		from   catalog.Draft
		change catalog.Draft
		added  func(d *catalog.Draft, change catalog.Draft)
	}{
		{"a safety lag of a swap", swap, catalog.Draft{SafetyLag: of(time.Minute)}, func(d *catalog.Draft, c catalog.Draft) { d.SafetyLag = c.SafetyLag }},
		{"a lookback of a swap", swap, catalog.Draft{Lookback: of("5m")}, func(d *catalog.Draft, c catalog.Draft) { d.Lookback = c.Lookback }},
		{"full reads of a swap", swap, catalog.Draft{ReconcileEvery: of(time.Hour)}, func(d *catalog.Draft, c catalog.Draft) { d.ReconcileEvery = c.ReconcileEvery }},
		{"a split of an incremental view", incremental, catalog.Draft{Split: of("id"), Sessions: of(2)}, func(d *catalog.Draft, c catalog.Draft) { d.Split, d.Sessions = c.Split, c.Sessions }},
		{"a split in one session", swap, catalog.Draft{Split: of("id")}, func(d *catalog.Draft, c catalog.Draft) { d.Split = c.Split }},
		{"sessions without a split", swap, catalog.Draft{Sessions: of(2)}, func(d *catalog.Draft, c catalog.Draft) { d.Sessions = c.Sessions }},
		{"a stream into a materialized view", concurrent, catalog.Draft{Transport: of(catalog.StreamTransport)}, func(d *catalog.Draft, c catalog.Draft) { d.Transport = c.Transport }},
		{"a guard that never looks", concurrent, catalog.Draft{AllowShrink: of(30)}, func(d *catalog.Draft, c catalog.Draft) { d.AllowShrink = c.AllowShrink }},
		{"no key of a concurrent view", concurrent, catalog.Draft{Key: of([]string{""})}, func(d *catalog.Draft, c catalog.Draft) { d.Key, d.Strategy = c.Key, of(catalog.Concurrent) }},
		{"a promise that cannot be kept", swap, catalog.Draft{MaxAge: of(time.Minute), RefreshEvery: of(time.Hour)}, func(d *catalog.Draft, c catalog.Draft) { d.MaxAge, d.RefreshEvery = c.MaxAge, c.RefreshEvery }},
		{"no time", swap, catalog.Draft{Timeout: of(time.Millisecond)}, func(d *catalog.Draft, c catalog.Draft) { d.Timeout = c.Timeout }},
		{"zero bytes of no known kind", swap, catalog.Draft{NulBytes: of(catalog.NulBytes("keep"))}, func(d *catalog.Draft, c catalog.Draft) { d.NulBytes = c.NulBytes }},
	} {
		was, err := tt.from.Define()
		if err != nil {
			t.Fatalf("%s: before: %v", tt.name, err)
		}
		is, changed := tt.change.Change(was)
		draft := tt.from
		tt.added(&draft, tt.change)
		_, added := draft.Define()
		var invalid *catalog.InvalidError
		if !errors.As(changed, &invalid) || invalid.Fix == "" || added == nil || changed.Error() != added.Error() {
			t.Errorf("%s: a change is refused with %v, and a new one with %v", tt.name, changed, added)
		}
		if diff := cmp.Diff(was, is); diff != "" {
			t.Errorf("%s: the refused change came back: %s", tt.name, diff)
		}
	}
}

// What belongs to a strategy comes and goes with it, unless somebody says otherwise.
func TestDraft_FollowsTheStrategy(t *testing.T) {
	t.Parallel()
	incremental, err := catalog.Draft{Watermark: of("at"), Lookback: of("5m"), SafetyLag: of(time.Minute)}.Define()
	if err != nil || incremental.Strategy != catalog.Incremental || incremental.ReconcileEvery != 24*time.Hour {
		t.Fatalf("got %+v, %v", incremental, err)
	}
	swap, err := catalog.Draft{Strategy: of(catalog.Swap)}.Change(incremental)
	want := catalog.Defaults()
	want.Strategy = catalog.Swap
	if diff := cmp.Diff(want, swap); err != nil || diff != "" {
		t.Errorf("as a swap: %v %s", err, diff)
	}
	if _, err := (catalog.Draft{Strategy: of(catalog.Swap), Watermark: of("at")}).Change(incremental); err == nil {
		t.Error("a swap took a watermark that was given for it")
	}
	other, err := catalog.Draft{Watermark: of("seq")}.Change(incremental)
	if err != nil || other.Lookback != "" {
		t.Errorf("by another watermark: lookback %q, %v", other.Lookback, err)
	}
	split, err := catalog.Draft{Strategy: of(catalog.Swap), Split: of("id"), Sessions: of(4)}.Define()
	if err != nil {
		t.Fatal(err)
	}
	if whole, err := (catalog.Draft{Split: of("")}).Change(split); err != nil || whole.Sessions != 1 {
		t.Errorf("not split any more: %d sessions, %v", whole.Sessions, err)
	}
	if keyed, err := (catalog.Draft{Key: of([]string{"id", ""})}).Define(); err != nil || keyed.Strategy != catalog.Concurrent || len(keyed.Key) != 1 {
		t.Errorf("with a key: %+v, %v", keyed, err)
	}
}
