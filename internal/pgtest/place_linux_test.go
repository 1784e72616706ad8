package pgtest

import (
	"os"
	"path/filepath"
	"testing"
)

// What killed tests have left in memory is removed, and what running ones use is not.
func TestSweep_TakesWhatNobodyHolds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	used, left, other := filepath.Join(dir, placeName+"1"), filepath.Join(dir, placeName+"2"), filepath.Join(dir, "other")
	for _, place := range []string{used, left, other} {
		if err := os.MkdirAll(filepath.Join(place, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	held := hold(used)
	if held == nil {
		t.Fatal("cannot hold a directory that nobody holds")
	}
	defer held.Close()
	sweep(dir)
	for place, stays := range map[string]bool{used: true, left: false, other: true} {
		if _, err := os.Stat(place); (err == nil) != stays {
			t.Errorf("%s: %v; want it to stay: %v", place, err, stays)
		}
	}
}
