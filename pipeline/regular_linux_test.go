package pipeline_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/redcache/redcache/pipeline"
)

// A pipe is not waited for.
func TestLoad_ReadsRegularFilesOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe\n.sql"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, problems := pipeline.Load(os.DirFS(dir)); len(problems) == 0 || problems[0].Error() != `pipe\n.sql: it is no regular file` {
		t.Errorf("got %v", problems)
	}
}
