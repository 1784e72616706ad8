package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
)

// A name that no foreign server or no command could have is refused before anything is asked.
func TestLink_RefusesNamesThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, problem := range map[string]string{
		"": "it has no name", strings.Repeat("x", 64): "its name has 64 bytes", strings.Repeat("é", 32): "its name has 64 bytes",
		"-x": "begins with a dash", "--all": "begins with a dash",
	} {
		l := catalog.Link{Name: name, Host: "h", Port: 5439, Database: "d", User: "u", SSLMode: "require", MaxConcurrency: 4}
		var invalid *catalog.InvalidError
		if err := l.Validate(); !errors.As(err, &invalid) || !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: got %v, want %s", name, err, problem)
		}
	}
}
