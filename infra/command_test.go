package infra_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/need"
)

// A command that is told can be pasted: a shell gives the program the very words, whatever is in them, and runs nothing else.
func TestCommand_SurvivesAShell(t *testing.T) {
	t.Parallel()
	shell := need.Program(t, "bash", "no shell takes the commands that are told")
	words := []string{
		"bi.sales", `bi."Net Sales"`, "it's", "$(touch /tmp/never) ${HOME} `id` !!", "", "a\nb", "\x1b[2J\u202egnp", `back\slash`,
		"-- ; & | > x", "süd", "%s%n", "\xff\xfe", "a\u200bb", "~", "*", "#x", "'", "'\n'",
	}
	command := infra.Command(append([]string{"printf", `%s\0`}, words...)...)
	if got := infra.Printable(command); got != command {
		t.Errorf("it changes on its way to a terminal: %s", command)
	}
	out, err := exec.CommandContext(t.Context(), shell, "-c", strings.Trim(command, "`")).Output()
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); err != nil || !slices.Equal(got, words) {
		t.Errorf("of %s, a shell makes %q, %v", command, got, err)
	}
	if got := infra.Command("cachectl", "alter-view", "bi.sales", "--every", "5m"); got != "`cachectl alter-view bi.sales --every 5m`" {
		t.Errorf("what needs no quotes has some: %s", got)
	}
}
