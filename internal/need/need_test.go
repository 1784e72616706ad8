package need_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/redcache/redcache/internal/need"
)

// ending is a test that notes how it is ended.
type ending struct {
	testing.TB
	how string
}

func (e *ending) Helper() {}

func (e *ending) Fatalf(format string, args ...any) {
	e.how = "failed: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (e *ending) Skipf(format string, args ...any) {
	e.how = "skipped: " + fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// What a machine lacks is skipped on somebody's own, and a failure in CI.
func TestProgram_FailsInCIAndSkipsElsewhere(t *testing.T) {
	for ci, want := range map[string]string{"": "skipped: ", "false": "skipped: ", "true": "failed: "} {
		t.Setenv("CI", ci)
		e := &ending{how: "went on"}
		done := make(chan struct{})
		go func() {
			defer close(done)
			need.Program(e, "no-such-program", "nobody looks at it")
		}()
		<-done
		if !strings.HasPrefix(e.how, want) || !strings.Contains(e.how, "no-such-program is not on PATH: nobody looks at it") {
			t.Errorf("CI=%s: it %s; want it %s", ci, e.how, want)
		}
	}
	if path := need.Program(t, "go", "the tests run by it"); path == "" {
		t.Error("a program that is there has no path")
	}
}
