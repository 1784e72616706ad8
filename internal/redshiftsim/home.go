package redshiftsim

import (
	"errors"
	"os"
	"path/filepath"
)

// A server under test that runs as another user inherits this process's HOME. Its libpq looks for a client certificate
// there, and gives up every TLS connection when it may not look. So tests of root leave their home.
var _ = leaveHome()

func leaveHome() error {
	home, err := os.UserHomeDir()
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	for name, path := range map[string]string{"GOCACHE": ".cache/go-build", "GOPATH": "go"} { // for tests that build
		if os.Getenv(name) == "" {
			err = errors.Join(err, os.Setenv(name, filepath.Join(home, path)))
		}
	}
	return errors.Join(err, os.Setenv("HOME", os.TempDir()))
}
