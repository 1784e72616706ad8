package main

import "testing"

func TestPrintable_KeepsATerminalAsItIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"süd, 東": "süd, 東", "a\nb\tc": `a\nb\tc`, "\x1b[2Jgone": `\x1b[2Jgone`, "\u009b2J": `\x9b2J`,
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q): got %q, want %q", text, got, want)
		}
	}
}
