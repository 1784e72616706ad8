// Package archtest holds the code against the project's rules of structure.
package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/redcache/redcache/"

// layers orders the folders: a package may import what stands in a lower layer, and its own folder.
var layers = map[string]int{
	"internal": 0,
	"infra":    1,
	"sql":      2, "plan": 2,
	"lock": 3, "redshift": 3,
	"dblink": 4, "catalog": 4,
	"access": 5, "grants": 5, "health": 5,
	"refresh":  6,
	"schedule": 7, "doctor": 7, "pipeline": 7,
	"cmd": 8,
}

// helpers are test and demo tools, which no production code may know.
var helpers = []string{
	"internal/pgtest", "internal/redshiftsim", "internal/demo", "internal/archtest", "internal/doctest",
	"internal/awssim", "internal/lambdatest", "internal/corpus", "internal/cachetest", "internal/linktest", "internal/need", "internal/typetest",
	"internal/logtest",
}

type pkg struct {
	ImportPath, Dir string
	Imports         []string
	Deps            []string
	GoFiles         []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps=false", "-json", "./...")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 8 {
		t.Fatalf("go list found %d packages only", len(all))
	}
	return all
}

func local(path string) (string, bool) { return strings.CutPrefix(path, module) }

func folder(path string) string { return strings.SplitN(path, "/", 2)[0] }

func isHelper(path string) bool {
	for _, helper := range helpers {
		if path == helper || strings.HasPrefix(path, helper+"/") {
			return true
		}
	}
	return false
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	checked := 0
	for _, p := range list(t) {
		path, ok := local(p.ImportPath)
		if !ok || isHelper(path) || len(p.GoFiles) == 0 {
			continue
		}
		from, known := layers[folder(path)]
		if !known {
			if folder(path) != "integration" {
				t.Errorf("package %s has no layer", path)
			}
			continue
		}
		for _, imported := range p.Imports {
			to, ok := local(imported)
			if !ok {
				continue
			}
			checked++
			if isHelper(to) {
				t.Errorf("production package %s imports test helper %s", path, to)
			}
			if layer := layers[folder(to)]; layer >= from && folder(to) != folder(path) {
				t.Errorf("package %s (layer %d) imports %s (layer %d)", path, from, to, layer)
			}
		}
	}
	if checked == 0 {
		t.Error("no import was checked")
	}
}

// What only advises people is large, and nothing that runs by itself has it: neither a worker nor a function.
func TestParserIsOnlyInCachectl(t *testing.T) {
	t.Parallel()
	const parser = "github.com/wasilibs/go-pgquery"
	seen := false
	for _, p := range list(t) {
		path, _ := local(p.ImportPath)
		has := slices.Contains(p.Deps, parser)
		seen = seen || has
		if has && path != "cmd/cachectl" && path != "pipeline/lineage/parse" {
			t.Errorf("package %s links %s", path, parser)
		}
	}
	if !seen {
		t.Error("no package links it")
	}
}

// apart says what the leaves of a folder must not know.
var apart = map[string][]string{
	"refresh/relation": {"redshift", "redshift/session", "dblink", "access", "refresh", "refresh/apply", "refresh/read"},
	"refresh/read":     {"refresh", "refresh/apply", "refresh/relation"},
	"refresh/apply":    {"redshift/session", "dblink", "access", "lock", "refresh"},
	"redshift":         {"redshift/session"},
}

func TestLeavesKnowOnlyWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, p := range list(t) {
		path, _ := local(p.ImportPath)
		for _, imported := range p.Imports {
			to, ours := local(imported)
			if ours && slices.Contains(apart[path], to) {
				t.Errorf("package %s imports %s", path, to)
			}
		}
		if apart[path] != nil {
			seen++
		}
	}
	if seen != len(apart) {
		t.Errorf("saw %d leaves of %d", seen, len(apart))
	}
}

// allowed says which libraries may be linked by whom only.
var allowed = map[string][]string{
	"github.com/spf13/cobra":            {"cmd/cachectl"},
	"github.com/schollz/progressbar/v3": {"cmd/cachectl"},
	"github.com/kelseyhightower/envconfig": {
		"infra",
	},
	"database/sql": {},
	"testing":      {},
}

func TestLibrariesStayWhereTheyBelong(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range list(t) {
		path, _ := local(p.ImportPath)
		if isHelper(path) || folder(path) == "integration" {
			continue
		}
		for _, imported := range p.Imports {
			homes, restricted := allowed[imported]
			if !restricted {
				continue
			}
			seen[imported] = true
			home := false
			for _, h := range homes {
				home = home || path == h
			}
			if !home {
				t.Errorf("package %s imports %s, which only %v may", path, imported, homes)
			}
		}
	}
	if !seen["github.com/kelseyhightower/envconfig"] || !seen["github.com/spf13/cobra"] {
		t.Errorf("rules that apply to nothing: saw only %v", seen)
	}
}

// A test that skips by itself would do so in CI as well, where nobody sees it.
func TestSkippingGoesThroughOneDoor(t *testing.T) {
	t.Parallel()
	skipping, seen := regexp.MustCompile(`\b[a-z]+\.Skip(f|Now)?\(`), 0
	for _, p := range list(t) {
		path, _ := local(p.ImportPath)
		files, err := filepath.Glob(filepath.Join(p.Dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found := skipping.Find(text)
			switch {
			case found == nil:
			case path == "internal/need":
				seen++
			default:
				t.Errorf("%s calls %s; package internal/need fails in CI instead", file, found)
			}
		}
	}
	if seen == 0 {
		t.Error("not even the one door was seen")
	}
}
