package archtest

import (
	"bytes"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Inside the engine data flows one way as well: no file of a package uses, by whatever way, a file that uses it.
func TestFilesOfTheEnginePointOneWay(t *testing.T) {
	t.Parallel()
	exports := exportsOf(t, "./refresh/...")
	for _, folder := range []string{"refresh", "refresh/apply", "refresh/read", "refresh/relation"} {
		t.Run(folder, func(t *testing.T) {
			t.Parallel()
			uses := usesOf(t, exports, filepath.Join("..", "..", folder))
			if len(uses) < 5 {
				t.Fatalf("only %d files use others", len(uses))
			}
			if circle := circleIn(uses); circle != nil {
				t.Errorf("files use each other in a circle: %s", strings.Join(circle, " -> "))
			}
		})
	}
}

// exportsOf tells for each package that some packages need where the compiler has put its types.
func exportsOf(t *testing.T, packages string) map[string]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", packages)
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = file
	}
	return exports
}

// usesOf reads a package, and says of each of its files which others it uses: of what they define at the top, or as methods.
func usesOf(t *testing.T, exports map[string]string, dir string) map[string][]string {
	t.Helper()
	files := token.NewFileSet()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var parsed []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) {
		data, err := os.ReadFile(exports[path])
		return io.NopCloser(bytes.NewReader(data)), err
	})}
	checked, err := config.Check(dir, files, parsed, info)
	if err != nil {
		t.Fatal(err)
	}
	name := func(at token.Pos) string { return filepath.Base(files.Position(at).Filename) }
	uses := map[string][]string{}
	for id, used := range info.Uses {
		_, isFunc := used.(*types.Func)
		if used.Pkg() != checked || used.Parent() != checked.Scope() && !isFunc {
			continue
		}
		if from, to := name(id.Pos()), name(used.Pos()); from != to && !slices.Contains(uses[from], to) {
			uses[from] = append(uses[from], to)
		}
	}
	return uses
}

// circleIn returns files that use each other in a circle, if there are any.
func circleIn(uses map[string][]string) (circle []string) {
	done := map[string]bool{}
	var visit func(file string, way []string) bool
	visit = func(file string, way []string) bool {
		if at := slices.Index(way, file); at >= 0 {
			circle = append(slices.Clone(way[at:]), file)
			return true
		}
		if done[file] {
			return false
		}
		done[file] = true
		way = append(way, file)
		return slices.ContainsFunc(slices.Sorted(slices.Values(uses[file])), func(to string) bool { return visit(to, way) })
	}
	for _, file := range slices.Sorted(maps.Keys(uses)) {
		if visit(file, nil) {
			break
		}
	}
	return circle
}
