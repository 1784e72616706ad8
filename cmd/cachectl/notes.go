package main

import (
	"context"
	"log/slog"

	"github.com/redcache/redcache/infra"
)

// noteLog is the log that other packages write to: only warnings are shown, as notes on stderr.
func (p *program) noteLog() *slog.Logger { return slog.New(noteHandler{p}) }

// noteHandler is a slog.Handler for people. Of the attributes of a message, it shows the link, the reason and the hint.
type noteHandler struct{ p *program }

func (n noteHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn
}

func (n noteHandler) Handle(_ context.Context, record slog.Record) error {
	facts := map[string]string{}
	record.Attrs(func(a slog.Attr) bool {
		facts[a.Key] = a.Value.String()
		return true
	})
	text := record.Message
	if link := facts[infra.KeyLink]; link != "" {
		text = "link " + link + ": " + text
	}
	for _, key := range []string{infra.KeyReason, infra.KeyError, infra.KeyHint} {
		if facts[key] != "" {
			text += ": " + facts[key]
		}
	}
	n.p.tell("note: %s", text)
	return nil
}

// WithAttrs and WithGroup do nothing: nobody who writes to this log uses them.
func (n noteHandler) WithAttrs([]slog.Attr) slog.Handler { return n }
func (n noteHandler) WithGroup(string) slog.Handler      { return n }
