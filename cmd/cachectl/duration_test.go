package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/redcache/redcache/internal/cachetest"
)

// What is no duration is refused by every flag that takes one, before anything is connected to: by the flag's name, shortly, and with
// what is right.
func TestRun_RefusesWhatIsNoDuration(t *testing.T) {
	t.Parallel()
	o, count := &operator{}, 0
	for _, cmd := range commands(t) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Value.Type() != "duration" && f.Name != "lookback" {
				return
			}
			count++
			args := append(strings.Fields(cmd.CommandPath())[1:], map[string][]string{
				"query": {"dw", "select 1"}, "add-view": {"bi.a", "--link", "dw", "--query", "select 1"}, "alter-view": {"bi.a"},
			}[cmd.Name()]...)
			texts := append([]string{"", "10001d", "1ns"}, cachetest.NoDurations...)
			if f.Name == "timeout" {
				texts = append(texts, "21d", "9999d")
			}
			for _, text := range texts {
				if f.Name == "lookback" && (text == "" || text == "5" || text == "0.5" || strings.Trim(text, "9") == "h") {
					continue // a number is one, and so is a number with days
				}
				status, _, stderr := o.run(t.Context(), append(args, "--"+f.Name+"="+text)...)
				right := strings.Contains(stderr, "write ") || strings.Contains(stderr, "choose at ")
				if status != exitUsage || !strings.Contains(stderr, "--"+f.Name) || !right || len(stderr) > 8<<10 || raw(stderr) != "" {
					t.Errorf("%s --%s %.40q: exit status %d, %.400s", cmd.CommandPath(), f.Name, text, status, stderr)
				}
			}
		})
	}
	if count < 9 {
		t.Errorf("there are %d flags", count)
	}
}
