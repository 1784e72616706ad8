package pgtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrNoPostgres means that no PostgreSQL server binaries were found on this machine.
var ErrNoPostgres = errors.New("no PostgreSQL server binaries (initdb, postgres) found on PATH, by pg_config, " +
	"or in the usual places of Debian and Homebrew; install them, or name their directory in REDCACHE_TEST_PGBIN")

// BinDir finds the directory that holds initdb and postgres. It prefers REDCACHE_TEST_PGBIN, then PATH, then
// pg_config, then the newest version in the usual places.
func BinDir() (string, error) {
	candidates := []string{os.Getenv("REDCACHE_TEST_PGBIN")}
	if initdb, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(initdb); err == nil {
			candidates = append(candidates, filepath.Dir(real))
		}
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/usr/pgsql-*/bin",
	} {
		candidates = append(candidates, newestFirst(pattern)...)
	}
	for _, dir := range candidates {
		if dir != "" && hasServer(dir) {
			return dir, nil
		}
	}
	return "", ErrNoPostgres
}

func newestFirst(pattern string) []string {
	dirs, _ := filepath.Glob(pattern) // the only error is a bad pattern, and these are constants
	slices.SortFunc(dirs, func(a, b string) int { return majorOf(b) - majorOf(a) })
	return dirs
}

func majorOf(dir string) int {
	digits := strings.TrimFunc(filepath.Base(filepath.Dir(dir)), func(r rune) bool { return r < '0' || r > '9' })
	major, _ := strconv.Atoi(digits) // no number sorts last
	return major
}

func hasServer(dir string) bool {
	for _, name := range []string{"initdb", "postgres"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() {
			return false
		}
	}
	return true
}
