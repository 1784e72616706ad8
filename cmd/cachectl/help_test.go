package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// testdata/help.golden is the command reference: what every command is for, and all of its flags.
func TestHelp_IsAsReviewed(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for _, cmd := range commands(t) {
		fmt.Fprintf(&got, "# %s\n\n%s\n\n%s\n", cmd.CommandPath(), cmd.Long, cmd.UsageString())
	}
	const golden = "testdata/help.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("help differs from %s; -update rewrites it (-want +got):\n%s", golden, diff)
	}
}

func TestHelp_IsComplete(t *testing.T) {
	t.Parallel()
	for _, cmd := range commands(t) {
		path := cmd.CommandPath()
		for what, text := range map[string]string{"Short": cmd.Short, "Long": cmd.Long, "Example": cmd.Example} {
			if text == "" {
				t.Errorf("%s has no %s", path, what)
			}
		}
		for line := range strings.Lines(cmd.Long + "\n" + cmd.UsageString()) {
			if len([]rune(strings.TrimSuffix(line, "\n"))) > helpColumns {
				t.Errorf("%s: a line of its help is longer than %d characters: %s", path, helpColumns, line)
			}
		}
		if strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: its Short ends in a full stop", path)
		}
		for line := range strings.Lines(cmd.Example) {
			if first := strings.Fields(line); len(first) > 0 && strings.HasPrefix(line, "  cachectl") {
				if _, _, err := cmd.Root().Find(first[1:2]); err != nil {
					t.Errorf("%s: its example does not work: %v", path, err)
				}
			}
		}
	}
}

// Every command that prints data has --json, and every one that changes something has --dry-run.
func TestHelp_PromisesAreKept(t *testing.T) {
	t.Parallel()
	changes := map[string]bool{
		"init": true, "add": true, "rotate": true, "remove": true, "add-view": true, "alter-view": true, "drop-view": true, "refresh": true,
		"sync": true, "apply": true, "rollback": true,
	}
	for _, cmd := range commands(t) {
		if cmd.HasSubCommands() || cmd.Name() == "completion" {
			continue
		}
		if cmd.Flags().Lookup("json") == nil {
			t.Errorf("%s has no --json", cmd.CommandPath())
		}
		if got := cmd.Flags().Lookup("dry-run") != nil; got != changes[cmd.Name()] {
			t.Errorf("%s: --dry-run is there: %v, want %v", cmd.CommandPath(), got, changes[cmd.Name()])
		}
	}
}

// commands are all of them, without those that cobra adds by itself.
func commands(t *testing.T) []*cobra.Command {
	t.Helper()
	p := &program{
		lookup: func(string) (string, bool) { return "", false },
		stdin:  strings.NewReader(""), stdout: io.Discard, stderr: io.Discard,
	}
	var list []*cobra.Command
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		list = append(list, cmd)
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(p.command())
	if len(list) < 18 {
		t.Fatalf("found %d commands, want all of them", len(list))
	}
	return list
}
