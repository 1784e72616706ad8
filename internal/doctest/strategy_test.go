package doctest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
)

// home is what may name strategies as it likes.
const home = "refresh/apply/"

// elsewhere are no programs, or cannot be changed any more.
var elsewhere = []string{"examples", "integration", "internal", "docs", "sql/migrations"}

// Whoever names a strategy decides something for it that a new one would not be asked about. The page says who does, and
// why: a place that it does not know is one too many, and one that it still knows is told for nothing.
func TestArchitecture_NamesEachPlaceThatKnowsAStrategy(t *testing.T) {
	t.Parallel()
	_, section, found := strings.Cut(read(t, "docs/architecture.md").text, "## Adding a strategy")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("the page has no such section")
	}
	told := map[string]bool{"catalog/strategy.go": true} // where their names are made
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| [^|]{10,} \\|$").FindAllStringSubmatch(section, -1) {
		told[row[1]] = true
	}
	knows := strategists(t)
	for _, place := range slices.Sorted(maps.Keys(knows)) {
		if !told[place] {
			t.Errorf("%s names a strategy, and the page does not say why: %s", place, knows[place])
		}
	}
	for place := range told {
		if knows[place] == "" {
			t.Errorf("the page says that %s names a strategy, and it does not", place)
		}
	}
}

// strategists are the files of the programs that name a strategy, with what they say: the constant, or its name in a text.
func strategists(t *testing.T) map[string]string {
	t.Helper()
	constants, words := strategyNames(t)
	// "auto" alone may be a transport's name, and "merge" or "concurrent" plain English.
	inText := regexp.MustCompile(`\b[Ss]trateg(y|ies)\b[^.;]*\b(` + strings.Join(words, "|") + `)\b`)
	knows := map[string]string{}
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (slices.Contains(elsewhere, name) || strings.HasPrefix(name, ".") && name != "."):
			return filepath.SkipDir
		case strings.HasPrefix(name, home), strings.HasSuffix(name, "_test.go"):
			return nil
		case strings.HasSuffix(name, ".sql"):
			text, err := os.ReadFile(path)
			if said := inText.Find(text); said != nil {
				knows[name] = string(said)
			}
			return err
		case strings.HasSuffix(name, ".go"):
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if said := namedIn(n, file.Name.Name == "catalog", constants, words, inText); said != "" {
					knows[name] = said
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return knows
}

// namedIn is how a node names a strategy; empty: it does not.
func namedIn(n ast.Node, inCatalog bool, constants, words []string, inText *regexp.Regexp) string {
	switch n := n.(type) {
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == "catalog" && slices.Contains(constants, n.Sel.Name) {
			return "catalog." + n.Sel.Name
		}
	case *ast.Ident:
		if inCatalog && slices.Contains(constants, n.Name) {
			return n.Name
		}
	case *ast.BasicLit:
		text, err := strconv.Unquote(n.Value)
		if err == nil && (text != string(catalog.AutoTransport) && slices.Contains(words, text) || inText.MatchString(text)) {
			return n.Value
		}
	}
	return ""
}

// strategyNames are the constants of all strategies, and their names.
func strategyNames(t *testing.T) (constants, words []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../catalog/strategy.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if value, ok := n.(*ast.ValueSpec); ok {
			if kind, ok := value.Type.(*ast.Ident); ok && kind.Name == "Strategy" {
				constants = append(constants, value.Names[0].Name)
			}
		}
		return true
	})
	for _, s := range catalog.Strategies {
		words = append(words, string(s))
	}
	if len(constants) != len(words) {
		t.Fatalf("constants %v for strategies %v", constants, words)
	}
	return constants, words
}
