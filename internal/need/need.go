// Package need is the one way for a test to say that it needs something of the machine. Without it the test is skipped,
// and says what is not checked. With CI=true it fails instead: what is not checked there is not checked at all.
package need

import (
	"os"
	"os/exec"
	"testing"
)

// Program returns the path of a program that may be missing on a machine. Why says what is not checked without it.
func Program(t testing.TB, name, why string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name+" is not on PATH: "+why)
	}
	return path
}

// Missing ends a test that cannot run on this machine.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("NOT CHECKED, which CI=true does not allow: %s", what)
	}
	t.Skipf("NOT CHECKED: %s", what)
}
