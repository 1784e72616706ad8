package setup_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/lambda/setup"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/cachetest"
)

// A function that is warm has looked at the catalog long ago. A newer program may have changed it since.
func TestFunction_LooksAtTheVersionEachTime(t *testing.T) {
	t.Parallel()
	db := cachetest.New(t)
	f, err := setup.New(setup.Config{DatabaseConfig: infra.DatabaseConfig{URL: db.URL, MaxConns: 3}, LogLevel: "error"}, io.Discard, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	invoke := func() error {
		_, err := f.Invoke(t.Context(), []byte(`{}`), func(ctx context.Context, _ json.RawMessage) (any, error) {
			return f.Pool(ctx)
		})
		return err
	}
	for range 2 { // cold, and warm
		if err := invoke(); err != nil {
			t.Fatal(err)
		}
	}
	pool := db.Pool(t)
	set := func(statement string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), statement, catalog.Newest+1); err != nil {
			t.Fatal(err)
		}
	}
	set(`INSERT INTO redcache.schema_version (version_id, is_applied) VALUES ($1, true)`)
	for range 2 {
		if err := invoke(); err == nil || !strings.Contains(err.Error(), "newer version") || !strings.Contains(err.Error(), "Replace this program") {
			t.Errorf("got %v", err)
		}
	}
	set(`DELETE FROM redcache.schema_version WHERE version_id = $1`)
	if err := invoke(); err != nil {
		t.Errorf("of its own version again: %v", err)
	}
}
