// Package doctest_test holds the documents against the program. What they say that can be checked is checked: commands,
// flags, variables and types are generated from the built programs, links and names are looked up, and the marked
// blocks of the README and the operations page are run, in their order, against real servers.
//
// A block is marked by a comment on the line before it, <!-- run: WHERE -->. After a change of the program,
// go test ./internal/doctest -update rewrites what is generated.
package doctest_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const root = "../.."

var update = flag.Bool("update", false, "rewrite the generated parts of the documents")

// bin holds the programs. It is set before the first test starts.
var bin string

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "doctest:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if bin, err = os.MkdirTemp("", "redcache-doctest-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(bin)) }()
	build := exec.Command("go", "build", "-trimpath", "-o", bin, "./cmd/cachectl", "./cmd/worker")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// output runs one of the programs, which must succeed, and returns what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name), args...)
	cmd.Env = []string{}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}
