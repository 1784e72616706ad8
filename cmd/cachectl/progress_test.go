package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"
	"github.com/schollz/progressbar/v3"

	"github.com/redcache/redcache/refresh"
)

func TestWatcher_WritesALineNowAndThen(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	w := &watcher{what: "refresh view bi.sales", number: " (1/2)", estimate: took(90 * time.Second)}
	draw := w.lines(&program{stderr: &stderr})
	long := time.Now().Add(-time.Hour)
	for _, at := range []struct {
		phase   refresh.Phase
		changed time.Time
		elapsed time.Duration
	}{
		{refresh.Locking, time.Now(), 100 * time.Millisecond}, // over before it is worth a line
		{refresh.Loading, long, 1500 * time.Millisecond},
		{refresh.Loading, long, 2 * time.Second},
		{refresh.Loading, long, 12 * time.Second}, // ten seconds later
		{refresh.Loading, long, 13 * time.Second},
		{refresh.Committing, long, 14 * time.Second},
	} {
		w.changed = at.changed
		draw(at.phase, at.elapsed)
	}
	want := `refresh view bi.sales (1/2): loading, 1.5s (last time 1m30s)
refresh view bi.sales (1/2): loading, 12s (last time 1m30s)
refresh view bi.sales (1/2): committing, 14s (last time 1m30s)
`
	if diff := cmp.Diff(want, stderr.String()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestWatcher_DrawsABarAndTakesItAway(t *testing.T) {
	t.Parallel()
	for name, estimate := range map[string]time.Duration{"bar": 4 * time.Second, "spinner": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var terminal bytes.Buffer
			w := &watcher{what: "refresh view bi.sales", estimate: took(estimate)}
			draw, finish := w.bar(progressbar.OptionSetWriter(&terminal), func() int { return 0 })
			draw(refresh.Loading, 2*time.Second)
			if got := terminal.String(); !strings.Contains(got, "refresh view bi.sales: loading, 2s") {
				t.Errorf("got %q, want what it is at", got)
			}
			if got := terminal.String(); estimate > 0 && !strings.Contains(got, "49%") {
				t.Errorf("got %q, want nearly half of the estimate", got)
			}
			draw(refresh.Loading, time.Hour) // an estimate is no promise
			finish()
			if got := terminal.String(); !strings.HasSuffix(strings.TrimRight(got, " "), "\r") || strings.Contains(got, "\n") {
				t.Errorf("got %q, want a clean line at the end", got)
			}
		})
	}
}

// What is drawn over must stay on one line, however long the view's name is.
func TestWatcher_KeepsToTheTerminal(t *testing.T) {
	t.Parallel()
	for name, estimate := range map[string]time.Duration{"bar": 23 * time.Hour, "spinner": 0} {
		for _, view := range []string{"bi.a", "bi." + strings.Repeat("long", 15), "bi." + strings.Repeat("売上", 20)} {
			for _, columns := range []int{40, 80} {
				var terminal bytes.Buffer
				w := &watcher{what: "refresh view " + view, number: " (1000/1000)", estimate: took(estimate)}
				draw, finish := w.bar(progressbar.OptionSetWriter(&terminal), func() int { return columns })
				for _, elapsed := range []time.Duration{time.Second, time.Hour, 99 * time.Hour} {
					draw(refresh.Committing, elapsed)
				}
				finish()
				for _, line := range strings.Split(terminal.String(), "\r") {
					if strings.Contains(line, "…") && !strings.Contains(line, " (1000/1000): committing") {
						t.Errorf("%s of %s, %d columns: the number or the phase is cut: %q", name, view, columns, line)
					}
					if width := uniseg.StringWidth(strings.TrimPrefix(line, "\x1b[K")); width >= columns {
						t.Errorf("%s of %s: %d columns of %d: %q", name, view, width, columns, line)
					}
				}
			}
		}
	}
}

// One view of several is told from the others, and what is done from what was, however little room there is.
func TestWatcher_KeepsNumberAndPhase(t *testing.T) {
	t.Parallel()
	for _, view := range []string{"bi.big", "bi." + strings.Repeat("long", 15), `bi."日本語.漢字のビュー名"`} {
		for _, phase := range []refresh.Phase{
			refresh.Locking, refresh.Queueing, refresh.Connecting, refresh.Loading, refresh.Publishing, refresh.Committing,
			refresh.Locking + ", held by pid 12345 (redcache worker host-a:4711) since 12:03:04 UTC",
		} {
			for _, columns := range []int{35, 48, 75} { // beside a bar, or a spinner, at 40 and 80
				w := &watcher{what: "refresh view " + view, number: " (1/3)", estimate: took(3300 * time.Millisecond)}
				got := w.describe(phase, 3900*time.Millisecond, columns)
				begin := string(phase)[:7]
				if uniseg.StringWidth(got) > columns || !strings.Contains(got, " (1/3): "+begin) {
					t.Errorf("%d columns: got %q, want (1/3) and %s", columns, got, phase)
				}
				if columns > 70 && phase == refresh.Loading && !strings.Contains(got, "3.9s") {
					t.Errorf("%d columns: got %q, want how long it takes", columns, got)
				}
			}
		}
	}
}

func took(last time.Duration) func() time.Duration {
	return func() time.Duration { return last }
}
