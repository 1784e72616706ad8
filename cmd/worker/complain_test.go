package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/redcache/redcache/infra"
)

// What a server says when the worker ends is one bounded line, in which a terminal finds nothing to act upon.
func TestComplain_LetsNothingRawOut(t *testing.T) {
	t.Parallel()
	hostile := "\x1b]0;owned\x07 \x9b31m \u202e \u200b \xff \r\nworker: all is well" + strings.Repeat("x", 5<<20)
	var told strings.Builder
	complain(&told, "text", infra.Hinted(errors.New(hostile), hostile))
	if strings.ContainsAny(told.String(), "\x1b\x07\r\u009b\u202e\u200b") || strings.Contains(told.String(), "\nworker: all") {
		t.Errorf("got %.200q", told.String())
	}
	if size := told.Len(); size > 10000 {
		t.Errorf("it has %d bytes", size)
	}
	told.Reset()
	complain(&told, "text", &infra.ConfigError{Problems: []string{"first", "second"}})
	if !strings.Contains(told.String(), "first\n  second") {
		t.Errorf("got %q", told.String())
	}
}
