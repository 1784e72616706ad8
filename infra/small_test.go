package infra_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/infra"
)

func TestHint_IsCarriedThroughWrapping(t *testing.T) {
	t.Parallel()
	base := errors.New("no such link")
	inner := infra.Hinted(base, "See cachectl link list.")
	err := fmt.Errorf("add view: %w", inner)
	if err.Error() != "add view: no such link" || !errors.Is(err, base) {
		t.Errorf("got %v, want the text and the identity of the error itself", err)
	}
	if got := infra.Hint(err); got != "See cachectl link list." {
		t.Errorf("got hint %q", got)
	}
	if got := infra.Hint(infra.Hinted(err, "Outer.")); got != "Outer." {
		t.Errorf("got hint %q, want the outer one", got)
	}
	if infra.Hint(base) != "" || infra.Hint(nil) != "" || infra.Hinted(nil, "x") != nil || infra.Hinted(base, "") != base {
		t.Error("a hint came from nowhere")
	}
}

func TestBackoff_DoublesUpToItsLimit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		random float64
		want   []time.Duration
	}{
		{0, []time.Duration{75, 150, 300, 375, 375}},
		{0.5, []time.Duration{100, 200, 400, 500, 500}},
		{1, []time.Duration{125, 250, 500, 625, 625}},
	} {
		b := infra.Backoff{Base: 100, Max: 500, Rand: func() float64 { return tt.random }}
		for i, want := range tt.want {
			if got := b.Delay(i + 1); got != want {
				t.Errorf("attempt %d, random %v: got %v, want %v", i+1, tt.random, got, want)
			}
		}
	}
}

func TestBackoff_HasDefaultsAndNeverOverflows(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, 0, 1, 2, 100, 1 << 40} {
		got := infra.Backoff{}.Delay(n)
		if got < 375*time.Millisecond || got > 75*time.Second {
			t.Errorf("attempt %d: got %v", n, got)
		}
	}
}

func TestBackoff_WaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(stop)
	if err := (infra.Backoff{Base: time.Hour, Max: time.Hour}).Wait(ctx, 1); !errors.Is(err, stop) {
		t.Errorf("got %v, want the cause", err)
	}
	if err := (infra.Backoff{Base: 1}).Wait(t.Context(), 1); err != nil {
		t.Errorf("got %v after the pause", err)
	}
}

func TestNewLogger_WritesFromItsLevel(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{
		"text": `level=WARN msg="run failed" view=sales`,
		"json": `"level":"WARN","msg":"run failed","view":"sales"`,
	} {
		var out bytes.Buffer
		log, err := infra.NewLogger(&out, format, "warn")
		if err != nil {
			t.Fatalf("NewLogger: %v", err)
		}
		log.Info("run finished")
		log.Warn("run failed", infra.KeyView, "sales")
		if got := out.String(); !strings.Contains(got, want) || strings.Contains(got, "finished") {
			t.Errorf("%s: got %s, want %s only", format, got, want)
		}
	}
}

// Who reads a duration knows its unit: people see it, programs find it in the key.
func TestNewLogger_WritesDurationsWithTheirUnit(t *testing.T) {
	t.Parallel()
	for format, want := range map[string][]string{
		"text": {"took=1.235s", "delay=2m0s", "run.grace=0s"},
		"json": {`"took_seconds":1.235`, `"delay_seconds":120`, `"run":{"grace_seconds":0}`},
	} {
		var out bytes.Buffer
		log, err := infra.NewLogger(&out, format, "info")
		if err != nil {
			t.Fatal(err)
		}
		log.Info("run finished", infra.KeyTook, 1234567*time.Microsecond, infra.KeyDelay, 2*time.Minute,
			slog.Group("run", slog.Duration("grace", 0)))
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: %s is missing from %s", format, w, out.String())
			}
		}
	}
}

func TestNewLogger_RefusesUnknownWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ format, level, want string }{
		{"xml", "info", `log format "xml": want text or json`},
		{"text", "loud", `log level "loud": want debug, info, warn or error`},
	} {
		if _, err := infra.NewLogger(io.Discard, tt.format, tt.level); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestVersion_NamesTheGoRelease(t *testing.T) {
	t.Parallel()
	if got := infra.Version(); !strings.Contains(got, " go1.") {
		t.Errorf("got %q", got)
	}
}

func TestNearest_FindsTypos(t *testing.T) {
	t.Parallel()
	names := []string{"status", "refresh", "add-view"}
	for word, want := range map[string]string{
		"stauts": "status", "refrsh": "refresh", "addview": "add-view", "status": "status", "xyz": "", "": "",
	} {
		if got := infra.Nearest(word, names); got != want {
			t.Errorf("Nearest(%q): got %q, want %q", word, got, want)
		}
	}
}
