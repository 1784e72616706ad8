package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/redcache/redcache/pipeline"
)

// What fails in the middle leaves nothing, whether the directory was there or not.
func TestWriteAll_AllOrNothing(t *testing.T) {
	t.Parallel()
	twice := []pipeline.Exported{{Path: "bi/sales.sql", Text: "SELECT 1\n"}, {Path: "bi/sales.sql", Text: "SELECT 2\n"}}
	for _, there := range []bool{true, false} {
		parent := t.TempDir()
		dir := filepath.Join(parent, "views")
		if there {
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := writeAll(dir, twice); err == nil {
			t.Fatal("one file has taken another's place")
		}
		left, err := filepath.Glob(filepath.Join(parent, "*", "*"))
		beside, _ := filepath.Glob(filepath.Join(parent, ".*"))
		if _, missing := os.Stat(dir); err != nil || len(left)+len(beside) > 0 || (missing == nil) != there {
			t.Errorf("there before: %t; left: %v %v, %v", there, left, beside, missing)
		}
		if err := writeAll(dir, twice[:1]); err != nil {
			t.Fatal(err)
		}
		if text, err := os.ReadFile(filepath.Join(dir, "bi", "sales.sql")); err != nil || string(text) != "SELECT 1\n" {
			t.Errorf("got %q, %v", text, err)
		}
	}
}
