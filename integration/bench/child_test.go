package main

import (
	"strings"
	"testing"
)

func TestCommand_IsMeasured(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	cmd := command{name: "sh", args: []string{"-c", "read -r line; echo $line; sleep 0.1"}, stdin: strings.NewReader("as sent\n"), stdout: &out}
	took, err := cmd.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if out.String() != "as sent\n" {
		t.Errorf("output: got %q", out.String())
	}
	if took.Seconds < 0.1 || took.Seconds > 30 {
		t.Errorf("seconds: got %v, want a bit more than 0.1", took.Seconds)
	}
	if took.CPU < 0 || took.CPU > took.Seconds {
		t.Errorf("CPU seconds: got %v of %v", took.CPU, took.Seconds)
	}
}

func TestCommand_FailsWithWhatItSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cmd  command
		want string
	}{
		{"fails", command{name: "sh", args: []string{"-c", "echo sorry >&2; exit 3"}}, "exit status 3\nsorry"},
		{"does not exist", command{name: "/no/such/program"}, "/no/such/program"},
	} {
		if _, err := tt.cmd.run(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
