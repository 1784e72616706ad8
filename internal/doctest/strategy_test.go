package doctest_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A new strategy has to be known wherever an old one is named. The page that leads there must not forget a place.
func TestArchitecture_NamesEachPlaceThatKnowsAStrategy(t *testing.T) {
	t.Parallel()
	_, section, found := strings.Cut(read(t, "docs/architecture.md").text, "## Where to add a strategy")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("the page has no such section")
	}
	named := regexp.MustCompile(`\b(catalog\.)?(Swap|Merge|Incremental|Concurrent|Nonconcurrent|Auto)\b[^:(]*\b[Ss]trategy|\bcatalog\.(Swap|Merge|Incremental|Concurrent|Nonconcurrent|Auto)\b`)
	seen := 0
	for _, folder := range []string{"catalog", "cmd", "doctor", "grants", "refresh", "schedule"} {
		err := filepath.WalkDir(filepath.Join("../..", folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			name := filepath.ToSlash(strings.TrimPrefix(path, filepath.Clean("../..")+string(filepath.Separator)))
			if named.Match(text) {
				seen++
				if !strings.Contains(section, "`"+name+"`") {
					t.Errorf("%s knows a strategy, and is not named", name)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if seen < 3 {
		t.Errorf("%d files were found only", seen)
	}
}
