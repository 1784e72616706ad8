package setup

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/redcache/redcache/infra"
)

// keyRequest is the key of the id that Lambda gives each invocation, by which its own lines are found.
const keyRequest = "request_id"

// failedType is how failures are called that [Function.Invoke] has logged.
const failedType = "Redcache.Failed"

// newLog returns a logger of JSON lines that have the id of the invocation that they are from.
func newLog(w io.Writer, level string) (*slog.Logger, error) {
	plain, err := infra.NewLogger(w, "json", level)
	if err != nil {
		return nil, err
	}
	return slog.New(ofInvocation{plain.Handler()}), nil
}

// ofInvocation is a handler that adds the id of the invocation whose context it is given.
type ofInvocation struct{ slog.Handler }

func (h ofInvocation) Handle(ctx context.Context, record slog.Record) error {
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		record.AddAttrs(slog.String(keyRequest, invocation.AwsRequestID))
	}
	return h.Handler.Handle(ctx, record)
}

func (h ofInvocation) WithAttrs(attrs []slog.Attr) slog.Handler {
	return ofInvocation{h.Handler.WithAttrs(attrs)}
}

func (h ofInvocation) WithGroup(name string) slog.Handler {
	return ofInvocation{h.Handler.WithGroup(name)}
}

// takeOver makes lines of ours of what the runtime's library prints, but for the failures that are in the log already.
func takeOver(to *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(unlogged{slog.NewLogLogger(to.Handler(), slog.LevelError).Writer()})
}

type unlogged struct{ io.Writer }

func (w unlogged) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(failedType)) {
		return len(line), nil
	}
	return w.Writer.Write(line)
}
