package infra

import (
	"runtime/debug"
	"testing"
)

func TestVersion_SaysWhatTheBuildKnows(t *testing.T) {
	t.Parallel()
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	dirty := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for want, info := range map[string]debug.BuildInfo{
		"v1.2.3 go1.26.0":                     {GoVersion: "go1.26.0", Main: debug.Module{Version: "v1.2.3"}},
		"(devel) go1.26.0":                    {GoVersion: "go1.26.0"},
		"(devel) 0123456789ab go1.26.0":       {GoVersion: "go1.26.0", Settings: []debug.BuildSetting{commit}},
		"(devel) 0123456789ab+dirty go1.26.0": {GoVersion: "go1.26.0", Settings: []debug.BuildSetting{commit, dirty}},
	} {
		if got := version(&info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
