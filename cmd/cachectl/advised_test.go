package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

// advice is a command that a text tells its reader to run.
type advice struct {
	cmd   *cobra.Command
	args  []string
	flags []string
}

var (
	advised = regexp.MustCompile("`(cachectl[^`]*)`")
	word    = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)
)

// unknownWord stands for what is only known when a text is put together. Capitals stand for what the reader puts there.
const unknownWord = "X"

// advicesIn returns the commands in a text, and what is wrong with them: each has to exist, with its flags.
func advicesIn(root *cobra.Command, text string) (found []advice, wrong []string) {
	for _, match := range advised.FindAllStringSubmatch(text, -1) {
		a := advice{cmd: root}
		words := word.FindAllString(match[1], -1)[1:]
		for len(words) > 0 {
			i := slices.IndexFunc(a.cmd.Commands(), func(c *cobra.Command) bool { return c.Name() == words[0] })
			if i < 0 {
				break
			}
			a.cmd, words = a.cmd.Commands()[i], words[1:]
		}
		if a.cmd.HasSubCommands() && len(words) > 0 && !strings.HasPrefix(words[0], "--") && words[0] != strings.ToUpper(words[0]) {
			wrong = append(wrong, fmt.Sprintf("%s: there is no command %s %s", match[1], a.cmd.CommandPath(), words[0]))
			continue
		}
		for _, w := range words {
			name, isFlag := strings.CutPrefix(w, "--")
			if name, _, _ = strings.Cut(name, "="); !isFlag {
				a.args = append(a.args, w)
				continue
			}
			a.flags = append(a.flags, name)
			if a.cmd.Flags().Lookup(name) == nil && a.cmd.InheritedFlags().Lookup(name) == nil && name != "help" {
				wrong = append(wrong, fmt.Sprintf("%s: %s has no flag --%s", match[1], a.cmd.CommandPath(), name))
			}
		}
		found = append(found, a)
	}
	return found, wrong
}

// repeats says whether the advice is to run once more what somebody has run: the same command on the same thing, without
// any other flag.
func (a advice) repeats(root *cobra.Command, args []string) bool {
	ran, rest, err := root.Find(args)
	if err != nil || ran.CommandPath() != a.cmd.CommandPath() {
		return false
	}
	for _, flag := range a.flags {
		if !slices.ContainsFunc(rest, func(arg string) bool { return arg == "--"+flag || strings.HasPrefix(arg, "--"+flag+"=") }) {
			return false
		}
	}
	return len(a.args) == 0 || slices.Contains(rest, a.args[0])
}

// checkAdvice holds what cachectl has said in a script to what is promised of all advice. Status 1 is a failure.
func checkAdvice(ts *testscript.TestScript, args []string, status int, texts ...string) {
	root := (&program{}).command()
	for _, text := range texts {
		found, wrong := advicesIn(root, text)
		for _, problem := range wrong {
			ts.Fatalf("it advises what does not exist: %s", problem)
		}
		for _, a := range found {
			failed := status == exitFailed || status == exitFound && a.cmd.Name() == "doctor"
			if failed && a.repeats(root, args) {
				ts.Fatalf("cachectl %s failed, and advises to run itself:\n%s", strings.Join(args, " "), text)
			}
		}
	}
}

// Whatever the program may say, in hints, fixes and help: each command in it exists, with its flags.
func TestAdvice_NamesCommandsThatExist(t *testing.T) {
	t.Parallel()
	root := commands(t)[0]
	count := 0
	for _, said := range sayings(t) {
		found, wrong := advicesIn(root, said.text)
		count += len(found)
		for _, problem := range wrong {
			t.Errorf("%s: %s", said.at, problem)
		}
	}
	if count < 50 {
		t.Errorf("found %d commands only", count)
	}
}

// Hints are stored, and doctor repeats them: none may send to doctor. And what fails below a command is told by that
// command: no error of those layers may advise it.
func TestAdvice_IsNeverWhatHasJustFailed(t *testing.T) {
	t.Parallel()
	root := commands(t)[0]
	below := []string{"infra", "catalog", "dblink", "redshift", "lock", "access", "refresh", "schedule", "grants"}
	above := []string{"refresh", "query", "add-view", "alter-view", "drop-view"}
	for _, said := range sayings(t) {
		layer, _, _ := strings.Cut(said.at, "/")
		found, _ := advicesIn(root, said.text)
		for _, a := range found {
			name := a.cmd.Name()
			if name == "doctor" {
				t.Errorf("%s: doctor shows this, too: %s", said.at, said.text)
			}
			if slices.Contains(below, layer) && slices.Contains(above, name) && len(a.args) == 1 && len(a.flags) == 0 &&
				!(name == "drop-view" && (layer == "refresh" || strings.HasPrefix(said.at, "catalog/stored.go:"))) {
				// drop-view is the way out of what keeps a refresh from being done, or a definition from being read
				t.Errorf("%s: it is told by whoever has run that: %s", said.at, said.text)
			}
		}
	}
}

// saying is a text that stands in the program.
type saying struct {
	at   string // file:line
	text string
}

// sayings are all string literals of the program, put together where they are, without the help's examples.
func sayings(t *testing.T) (all []saying) {
	t.Helper()
	const top = "../.."
	files := token.NewFileSet()
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		at, _ := filepath.Rel(top, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{"internal", "integration", ".git", "bench"}, at):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			literal, isExpr := n.(ast.Expr)
			if !isExpr {
				return true
			}
			said, isText := joined(literal)
			if isText {
				all = append(all, saying{fmt.Sprintf("%s:%d", at, files.Position(n.Pos()).Line), said})
			}
			return !isText
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var verb = regexp.MustCompile(`%[+#]?[a-z]`)

// joined puts a sum of texts together, and the commands in it that are made of words.
func joined(e ast.Expr) (said string, isText bool) {
	switch e := e.(type) {
	case *ast.CallExpr:
		return joinedCommand(e)
	case *ast.BasicLit:
		if e.Kind != token.STRING {
			return "", false
		}
		said, err := strconv.Unquote(e.Value)
		return verb.ReplaceAllString(said, unknownWord), err == nil
	case *ast.BinaryExpr:
		left, isLeft := joined(e.X)
		right, isRight := joined(e.Y)
		if e.Op != token.ADD || !isLeft && !isRight {
			return "", false
		}
		if !isLeft {
			left = unknownWord
		}
		if !isRight {
			right = unknownWord
		}
		return left + right, true
	}
	return "", false
}

// joinedCommand is what infra.Command and altering make of the words that are known.
func joinedCommand(call *ast.CallExpr) (said string, isText bool) {
	words := call.Args
	switch of := call.Fun.(type) {
	case *ast.SelectorExpr:
		if of.Sel.Name != "Command" || call.Ellipsis != token.NoPos || len(words) < 2 {
			return "", false
		}
	case *ast.Ident:
		if of.Name != "altering" || len(words) < 2 {
			return "", false
		}
		said = "cachectl alter-view "
	default:
		return "", false
	}
	for _, argument := range words {
		word, known := joined(argument)
		if !known {
			word = unknownWord
		}
		said += word + " "
	}
	return "`" + strings.TrimSpace(said) + "`", true
}
