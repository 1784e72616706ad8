package infra

import (
	"runtime/debug"
	"strings"
)

// Version names this build: the module's version, the commit it was built from (with "+dirty" when files differed),
// and the Go release. What the build does not know is left out.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return version(info)
}

func version(info *debug.BuildInfo) string {
	const short = 12 // hex digits of a commit, as Go's pseudo-versions have
	settings := make(map[string]string, len(info.Settings))
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	parts := []string{info.Main.Version}
	if info.Main.Version == "" {
		parts[0] = "(devel)"
	}
	if commit := settings["vcs.revision"]; commit != "" {
		commit = commit[:min(short, len(commit))]
		if settings["vcs.modified"] == "true" {
			commit += "+dirty"
		}
		parts = append(parts, commit)
	}
	return strings.Join(append(parts, info.GoVersion), " ")
}
