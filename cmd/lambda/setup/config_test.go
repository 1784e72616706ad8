package setup_test

import (
	"testing"

	"github.com/redcache/redcache/cmd/lambda/setup"
	"github.com/redcache/redcache/internal/cachetest"
)

func TestConfig_RefusesWhatIsNoDuration(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://u:p@h/d")
	t.Setenv("REDCACHE_QUEUE_URL", "http://127.0.0.1/queue")
	cachetest.RefuseDurations(t, setup.Prefix, func() any { return new(setup.Dispatch) })
	cachetest.RefuseDurations(t, setup.Prefix, func() any { return new(setup.Refresh) })
}
