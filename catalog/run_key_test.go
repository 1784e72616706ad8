package catalog_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/catalog"
)

// A failover that loses the last commits, and a restore, set the numbers of runs back: a run that lives on meets its own
// on a run of another view, or of the same.
func TestStore_ARunWithTheNumberOfALostOneIsLeftAlone(t *testing.T) {
	t.Parallel()
	store, pool, link := newCatalog(t)
	v := added(t, store, link)
	lost := start(t, store, v)
	if _, err := pool.Exec(t.Context(), `DELETE FROM redcache.run; ALTER TABLE redcache.run ALTER COLUMN id RESTART`); err != nil {
		t.Fatal(err)
	}
	other := v
	other.Name.View = "others"
	other, err := store.AddView(t.Context(), other, 0)
	if err != nil {
		t.Fatal(err)
	}
	its := start(t, store, other)
	before, err := store.Run(t.Context(), its)
	if err != nil || before.ID != 1 {
		t.Fatalf("the other view's run has number %d, %v; want that of the lost one", before.ID, err)
	}
	_, state, err := store.ViewAndState(t.Context(), other.Name)
	if err != nil {
		t.Fatal(err)
	}

	if resumed, err := store.ResumeRun(t.Context(), lost, 2, 2); resumed || err != nil {
		t.Errorf("resume: %v, %v; want false", resumed, err)
	}
	mark := "2026-01-01 00:00:00"
	outcome := catalog.Outcome{AsOf: time.Now(), Whole: true, RowsRead: 7, Watermark: &mark, Strategy: v.Strategy, Generation: 9, Published: true, Attempts: 1, Transport: catalog.DblinkTransport}
	if _, err := store.FinishRun(t.Context(), lost, outcome); !errors.Is(err, catalog.ErrRunOver) {
		t.Errorf("finish: %v, want that it is over", err)
	}
	if _, err := store.FinishUnchanged(t.Context(), lost, time.Now(), 1, "same"); !errors.Is(err, catalog.ErrRunOver) {
		t.Errorf("finish unchanged: %v, want that it is over", err)
	}
	if err := store.Unload(t.Context(), v, lost, outcome); err != nil {
		t.Errorf("unload: %v", err)
	}
	if err := store.FailRun(t.Context(), lost, catalog.Failed, errors.New("down"), 1, false); err != nil {
		t.Errorf("fail: %v", err)
	}
	if _, err := store.AddReason(t.Context(), lost, "remark"); err == nil {
		t.Error("a remark on a run that is lost was written")
	}
	if _, err := store.Run(t.Context(), lost); err == nil {
		t.Error("the lost run was found")
	}
	after, err := store.Run(t.Context(), its)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the other view's run has changed:\n%s", diff)
	}
	if _, now, err := store.ViewAndState(t.Context(), other.Name); err != nil || !cmp.Equal(now.Generation, state.Generation) ||
		now.Failures != 0 || now.Watermark != nil {
		t.Errorf("the other view's state has changed: %+v, it was %+v; %v", now, state, err)
	}
}
