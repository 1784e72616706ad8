package main

import (
	"context"
	"log/slog"

	"github.com/redcache/redcache/infra"
)

// talk is the log of what is used here: warnings only, as notes on stderr.
func (p *program) talk() *slog.Logger { return slog.New(notes{p}) }

// notes is a slog.Handler for people: of what stands beside a message, they want the link, why, and what to do.
type notes struct{ p *program }

func (n notes) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (n notes) Handle(_ context.Context, record slog.Record) error {
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

// WithAttrs and WithGroup are not used by what logs here.
func (n notes) WithAttrs([]slog.Attr) slog.Handler { return n }
func (n notes) WithGroup(string) slog.Handler      { return n }
