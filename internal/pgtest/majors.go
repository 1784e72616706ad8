package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// ByMajor returns the directory of the server of each major version that there is on this machine: that of [BinDir], and
// those that REDCACHE_TEST_PGBIN_ALL lists as on PATH.
func ByMajor(ctx context.Context) (map[string]string, error) {
	here, err := BinDir()
	if err != nil {
		return nil, err
	}
	servers := map[string]string{}
	for _, dir := range append([]string{here}, filepath.SplitList(os.Getenv("REDCACHE_TEST_PGBIN_ALL"))...) {
		out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
		if err != nil {
			return nil, fmt.Errorf("ask %s for its version: %w", dir, err)
		}
		version := regexp.MustCompile(`\d+`).FindString(string(out))
		if _, known := servers[version]; !known {
			servers[version] = dir
		}
	}
	return servers, nil
}
