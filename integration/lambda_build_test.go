package integration_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	largestFunction  = 15 << 20 // bytes, as AWS counts megabytes
	longestColdStart = 300 * time.Millisecond
)

// What is built for Lambda is small, for its architecture too, and has none of what only people need.
func TestLambda_IsSmall(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"dispatch", "refresh"} {
		into := filepath.Join(t.TempDir(), name)
		if err := buildFunction(name, into, "GOOS=linux", "GOARCH=arm64"); err != nil {
			t.Fatal(err)
		}
		file, err := os.Stat(into)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s for arm64: %.1f MB", name, float64(file.Size())/(1<<20))
		if file.Size() > largestFunction {
			t.Errorf("%s has %d bytes, want at most %d", name, file.Size(), largestFunction)
		}
	}
}

func TestLambda_LinksNoCommandLine(t *testing.T) {
	t.Parallel()
	unwanted := []string{
		"github.com/spf13/", "github.com/schollz/progressbar", "golang.org/x/term",
		"github.com/redcache/redcache/cmd/cachectl", "github.com/redcache/redcache/doctor", "github.com/redcache/redcache/grants",
		"github.com/redcache/redcache/internal/", "net/rpc", "testing",
	}
	for _, name := range []string{"dispatch", "refresh"} {
		list := exec.Command("go", "list", "-deps", "-tags", "lambda.norpc,nethttpomithttp2", "./cmd/lambda/"+name)
		list.Dir = ".."
		out, err := list.Output()
		if err != nil {
			t.Fatal(err)
		}
		packages := strings.Fields(string(out))
		if !slices.Contains(packages, "github.com/redcache/redcache/schedule") {
			t.Errorf("%s: the list lacks what it must have: %q", name, packages)
		}
		for _, p := range packages {
			for _, prefix := range unwanted {
				if p == prefix || strings.HasPrefix(p, prefix) && strings.HasSuffix(prefix, "/") || strings.HasPrefix(p, prefix+"/") {
					t.Errorf("%s links %s", name, p)
				}
			}
		}
		source, err := os.ReadFile(filepath.Join("..", "cmd", "lambda", name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(source), "\n"); n >= 60 {
			t.Errorf("%s: its main.go has %d lines, want less than 60", name, n)
		}
	}
}

// From the start of a process to the answer of its first queries, and a little more: to the end of its first invocation.
func TestLambda_StartsQuickly(t *testing.T) {
	t.Parallel()
	w := lambdaWorld(t)
	took := w.coldStarts(t, 21)
	t.Logf("cold start: median %s, %s to %s", took[len(took)/2], took[0], took[len(took)-1])
	if median := took[len(took)/2]; median > longestColdStart {
		t.Errorf("a cold start took %s, want at most %s", median, longestColdStart)
	}
}

// coldStarts returns how long n cold starts took until the cache had answered that there is no such view, the quickest
// first.
func (w *world) coldStarts(t testing.TB, n int) []time.Duration {
	t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		e := w.function(t, "refresh", 30*time.Second)
		r := invoke(t, e, direct("bi.nowhere"))
		if !r.Cold || !strings.Contains(r.Error, "view bi.nowhere does not exist") {
			t.Fatalf("got %s, cold: %v", r, r.Cold)
		}
		took[i] = r.Init + r.Took
		e.Kill()
	}
	slices.Sort(took)
	return took
}
