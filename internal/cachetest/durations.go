package cachetest

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/infra"
)

// NoDurations are what nobody can wait for.
var NoDurations = []string{
	"-1s", "-5m", "-1ns", "5", "0.5", "-5", "1e9h", "∞", "NaN", " 5s", "5s ", "5 s", "5m,", "5 minutes", "99999999999h", "9223372036854775808ns",
	"2562048h", "9223372036s", "PT5M", "5m\n", "\x1b[2J", strings.Repeat("9", 100_000) + "h", strings.Repeat("x", 100_000),
}

// RefuseDurations wants each duration of a configuration to be refused where it makes no sense: by its name, shortly, and with what is
// right. The environment must be good otherwise.
func RefuseDurations(t *testing.T, prefix string, fresh func() any, also ...string) {
	t.Helper()
	count := 0
	for _, v := range infra.Variables(prefix, fresh()) {
		if v.Type != "duration" {
			continue
		}
		count++
		for _, value := range NoDurations {
			t.Run(v.Name, func(t *testing.T) {
				t.Setenv(v.Name, value)
				err := infra.Load(prefix, fresh(), also...)
				if err == nil || !strings.Contains(err.Error(), v.Name+"=") || !strings.Contains(err.Error(), ": want ") || len(infra.Message(err)) > 2048 {
					t.Errorf("%.40q: got %.300v", value, err)
				}
			})
		}
	}
	if count == 0 {
		t.Error("there is no duration")
	}
}
