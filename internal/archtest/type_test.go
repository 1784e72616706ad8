package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redcache/redcache/redshift"
)

// namesTypes are the files that name a type of a column, each for a reason.
var namesTypes = map[string]string{
	"redshift/type_table.go": "it is the table of types",
	"redshift/type.go":       "it reads the names that format_type writes",
	"redshift/volatile.go":   "it knows what stands before the unit of an interval",
	"redshift/typed.go":      "it makes texts of literals without a type",
	"redshift/condition.go":  "it says what type a condition has",
	"redshift/select.go":     "it says what type a hash has",
	"refresh/read/ranges.go": "it computes borders in PostgreSQL",
}

// Whoever names a type knows something of it that the table of types does not, and that a new type would not be asked
// about.
func TestTypesAreNamedInTheirTable(t *testing.T) {
	t.Parallel()
	names := typeNames()
	seen := map[string]bool{}
	for _, p := range list(t) {
		path, _ := local(p.ImportPath)
		if isHelper(path) || folder(path) == "internal" || folder(path) == "integration" {
			continue
		}
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			place := path + "/" + name
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Field: // its tag is no text of the program
					return n.Tag == nil
				case *ast.BasicLit:
					text, err := strconv.Unquote(n.Value)
					if n.Kind != token.STRING || err != nil || !names[strings.TrimRight(text, "(")] {
						return true
					}
					if seen[place] = true; namesTypes[place] == "" {
						t.Errorf("%s names the type %s", place, text)
					}
				case *ast.CompositeLit:
					if s, ok := n.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Type" && n.Elts != nil && isNamed(s.X, "redshift") {
						t.Errorf("%s makes a type of its own", place)
					}
				}
				return true
			})
		}
	}
	for place := range namesTypes {
		if !seen[place] {
			t.Errorf("%s names no type", place)
		}
	}
}

func isNamed(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// typeNames are the names of types on both sides, but for those that are words for other things as well.
func typeNames() map[string]bool {
	names := map[string]bool{"timestamp": true, "timestamptz": true, "varchar": true, "decimal": true, "float8": true, "float4": true}
	for _, typ := range redshift.EveryType() {
		for _, name := range []string{typ.Remote, typ.Local} {
			name, _, _ = strings.Cut(name, "(")
			names[name] = true
		}
	}
	for _, word := range []string{"text", "name", "unknown", "oid", "tid", "xid", "cid", "character"} {
		delete(names, word)
	}
	return names
}
