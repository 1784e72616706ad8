package infra

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// The keys of log attributes. A fact has one key everywhere, so that one filter finds it everywhere.
const (
	KeyView     = "view"
	KeyRun      = "run_id"
	KeyStrategy = "strategy"
	KeyState    = "state"
	KeyRows     = "rows"
	KeyTook     = "took"
	KeyAsOf     = "as_of"
	KeyLink     = "link"
	KeySlot     = "slot"
	KeyHolder   = "holder"
	KeyAttempt  = "attempt"
	KeyDelay    = "delay"
	KeyReason   = "reason"
	KeyError    = "error"
	KeyHint     = "hint"
	KeyVersion  = "version"
)

// NewLogger returns a logger that writes lines of the format ("text" or "json") from the level ("debug", "info",
// "warn" or "error") upwards. It fails on any other word.
func NewLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	at, known := levels[level]
	if !known {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	options := &slog.HandlerOptions{Level: at, ReplaceAttr: readable(format)}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(PrintableJSON(w), options)), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}

// readable writes durations for whoever reads them: as a number whose key names the unit where programs do, rounded where
// people do. Texts are bounded.
func readable(format string) func([]string, slog.Attr) slog.Attr {
	return func(_ []string, a slog.Attr) slog.Attr {
		switch a.Value.Kind() {
		case slog.KindDuration:
			d := a.Value.Duration().Round(time.Millisecond)
			if format == "json" {
				return slog.Float64(a.Key+"_seconds", float64(d.Milliseconds())/1000)
			}
			return slog.String(a.Key, d.String())
		case slog.KindString:
			return slog.String(a.Key, BoundedMessage(a.Value.String()))
		}
		return a
	}
}
