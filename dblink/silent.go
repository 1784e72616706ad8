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

// silence is how long after its timeout a statement that should have ended is given up.
const silence = 5 * time.Second

// SilentError says that Redshift has ended no statement at its timeout, nor sent all of its answer. A backend that waits for
// that inside dblink does not end its own statement either, however often it is told to once.
type SilentError struct {
	Server string // the foreign server of the link
	After  time.Duration
}

// Error implements error.
func (e *SilentError) Error() string { return "Redshift has not answered within " + e.After.String() }

// Hint says where to look.
func (e *SilentError) Hint() string {
	return "Look at Redshift and the network to it: " +
		infra.Command("cachectl", "link", "test", strings.TrimPrefix(e.Server, redshift.ServerPrefix)) + " tries the way step by step."
}

// WithinTimeout returns a context for a statement through a foreign server that both servers end at a timeout; zero is the usual one. It ends soon
// after, as the servers may fail to. The caller must call done with the statement's error, and go on with what that returns.
func WithinTimeout(ctx context.Context, server string, timeout time.Duration) (within context.Context, done func(error) error) {
	limit := cmp.Or(timeout, infra.DefaultStatement) + silence
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
