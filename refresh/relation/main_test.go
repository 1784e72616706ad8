package relation

import (
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
