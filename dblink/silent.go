package dblink

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// Waits are how long is waited for a server that says nothing. What is zero is as usual.
type Waits struct {
	Trial   time.Duration // see [TrialLimit]
	Silence time.Duration // how long after its timeout a statement that should have ended is given up
}

const (
	usualTrial   = 20 * time.Second
	usualSilence = 5 * time.Second
)

// waitsKey is the context key of [WithWaits].
type waitsKey struct{}

// WithWaits has whatever is done on ctx wait for another time than usual.
func WithWaits(ctx context.Context, waits Waits) context.Context {
	return context.WithValue(ctx, waitsKey{}, waits)
}

func waitsOf(ctx context.Context) Waits {
	waits, _ := ctx.Value(waitsKey{}).(Waits)
	return Waits{cmp.Or(waits.Trial, usualTrial), cmp.Or(waits.Silence, usualSilence)}
}

// TrialLimit is how long each statement of a trial may take, or of whatever else waits for no data.
func TrialLimit(ctx context.Context) time.Duration { return waitsOf(ctx).Trial }

// SilentError says that Redshift has ended no statement at its timeout, nor sent all of its answer. A backend that waits for
// that inside dblink does not end its own statement either, however often it is told to once.
type SilentError struct {
	Server string // the foreign server of the link
	After  time.Duration
}

// Error implements error.
func (e *SilentError) Error() string { return "Redshift has not answered within " + e.After.String() }

// lookAround is what there is to do, also for who has just tried the link, or has none yet.
const lookAround = "Look at Redshift and the network to it"

// UntriedHint gives an error a hint that does not say to try the link, where the error says that Redshift is silent.
func UntriedHint(err error) error {
	if errors.As(err, new(*SilentError)) {
		return infra.Hinted(err, lookAround+": it has taken the connection.")
	}
	return err
}

// Hint says where to look.
func (e *SilentError) Hint() string {
	return lookAround + ": " +
		infra.Command("cachectl", "link", "test", strings.TrimPrefix(e.Server, redshift.ServerPrefix)) + " tries the way step by step."
}

// WithinTimeout returns a context for a statement through a foreign server that both servers end at a timeout; zero is the usual one. It ends soon
// after, as the servers may fail to. The caller must call done with the statement's error, and go on with what that returns.
func WithinTimeout(ctx context.Context, server string, timeout time.Duration) (within context.Context, done func(error) error) {
	limit := cmp.Or(timeout, infra.DefaultStatement) + waitsOf(ctx).Silence
	silent := &SilentError{server, limit}
	within, cancel := context.WithTimeoutCause(ctx, limit, silent)
	return within, func(err error) error {
		defer cancel()
		if err != nil && errors.Is(context.Cause(within), silent) {
			return silent
		}
		return err
	}
}
