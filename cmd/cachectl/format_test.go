package main

import (
	"testing"
	"time"
)

func TestBrief_IsAsPreciseAsNeeded(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0s", 12345 * time.Microsecond: "12ms", 3249 * time.Millisecond: "3.2s", 252 * time.Second: "4m12s",
		3*time.Hour + 5*time.Minute + 9*time.Second: "3h5m", 51 * time.Hour: "2d3h", 24 * time.Hour: "1d",
	} {
		if got := brief(d); got != want {
			t.Errorf("brief(%s): got %s, want %s", d, got, want)
		}
	}
}
