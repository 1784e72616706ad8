package dblink_test

import (
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/redshift"
)

// Who is told to test a link is told which, whatever it is called.
func TestSilentError_NamesTheLink(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"dw": "`cachectl link test dw`", `Öst "x"`: "`cachectl link test 'Öst \"x\"'`", "a\x1bb": "`cachectl link test $'a\\x1bb'`",
	} {
		e := &dblink.SilentError{Server: redshift.ServerPrefix + name, After: time.Second}
		if !strings.Contains(e.Hint(), want) {
			t.Errorf("%q: got %s, want %s", name, e.Hint(), want)
		}
	}
}
