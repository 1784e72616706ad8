package infra_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/infra"
)

// A configuration is logged by the names of its variables, each with the value that counts, and without its secrets.
func TestSettings_TellsWhatIsSet(t *testing.T) {
	t.Parallel()
	type config struct {
		infra.DatabaseConfig
		Poll    time.Duration
		PerLink int `unset:"half of them"`
		Split   int
		Loud    bool
		Token   string `secret:"true"`
	}
	for _, tt := range []struct{ url, want string }{
		{"postgres://owner:Geheim1@db:5432/app", "postgres://owner:xxxxx@db:5432/app"},
		{"Geheim1", "[redacted]"},
	} {
		var out bytes.Buffer
		cfg := config{Poll: 1500 * time.Millisecond, Loud: true, Token: "Geheim2"}
		cfg.URL = tt.url
		slog.New(slog.NewJSONHandler(&out, nil)).Info("starts", infra.Settings("REDCACHE", &cfg))
		for _, want := range []string{
			`"DATABASE_URL":"` + tt.want + `"`, `"REDCACHE_POLL":"1.5s"`, `"REDCACHE_LOUD":true`, `"REDCACHE_TOKEN":"[redacted]"`,
			`"REDCACHE_PER_LINK":"half of them"`, `"REDCACHE_DATABASE_IAM":"false"`,
		} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s is missing from %s", want, out.String())
			}
		}
		for _, no := range []string{"Geheim", "SPLIT", "CONNECT_TIMEOUT"} {
			if strings.Contains(out.String(), no) {
				t.Errorf("%s is in %s", no, out.String())
			}
		}
	}
}

// What nobody has set is told as it is used, not as a zero.
func TestDatabaseConfig_IsCompletedByWhatHolds(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]infra.DatabaseConfig{
		"postgres://db/app": {Application: "redcache", MaxConns: 10, ConnectTimeout: 10 * time.Second},
		"postgres://db/app?pool_max_conns=5&connect_timeout=3&application_name=mine": {
			Application: "mine", MaxConns: 5, ConnectTimeout: 3 * time.Second,
		},
	} {
		got := infra.DatabaseConfig{URL: url}
		if err := got.Validate(); err != nil {
			t.Fatal(err)
		}
		if want.URL = url; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
