package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// LateError says that the deadline of the caller's context left too little time. [Runner.Refresh] returns it, with the
// failed run when the refresh had begun.
type LateError struct {
	Begun  bool
	Left   time.Duration // until the caller's deadline
	Needed time.Duration // with less, a refresh does not begin
}

// Error says how much time was left.
func (e *LateError) Error() string {
	left := e.Left.Round(100 * time.Millisecond)
	if e.Begun {
		return fmt.Sprintf("not done %s before the caller's deadline", left)
	}
	return fmt.Sprintf("%s are left before the caller's deadline, and a refresh begins with %s at least",
		left, catalog.FormatDuration(e.Needed))
}

// Hint says what gives a refresh enough time.
func (e *LateError) Hint() string {
	return "Give the refresh more time: a Lambda's timeout can be 15 minutes, and a worker has none. " +
		"Or make it shorter: strategy incremental, --skip-unchanged, an index or a sort key on the source."
}

// answering is the share of the margin that is the caller's: to end a claim, say, and to answer.
const answering = 5

// within returns the context for the work of a refresh: it ends a margin before the caller's own, so that there is
// time to cancel statements, roll back and write down the failure. All of that shares the margin, see [infra.Grace],
// so that servers which answer nothing cannot make it longer. Without a deadline it is the caller's.
func (r *Runner) within(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	ctx = infra.WithEnd(ctx, deadline.Add(-r.cfg.Margin/answering))
	late := &LateError{Begun: true, Left: r.cfg.Margin, Needed: r.least()}
	return context.WithDeadlineCause(ctx, deadline.Add(-r.cfg.Margin), late)
}

// least is the time before the caller's deadline with which a refresh begins at least.
func (r *Runner) least() time.Duration { return 2 * r.cfg.Margin }

// early returns a *LateError unless there is time for an attempt that begins after a pause. The context is that of
// [Runner.within].
func (r *Runner) early(ctx context.Context, pause time.Duration) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	left := time.Until(deadline) - pause
	if left >= r.least()-r.cfg.Margin {
		return nil
	}
	return &LateError{Left: max(left+r.cfg.Margin, 0), Needed: r.least()}
}

// timeLeft is the limit, or the time before the context's deadline if that is less. Statements that begin now end on
// their servers by then, even if this process is gone. It is never zero, which would be no limit.
func timeLeft(ctx context.Context, limit time.Duration) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(min(limit, time.Until(deadline)), time.Millisecond)
	}
	return limit
}

// silence is how long after the timeout a statement that should have ended is given up.
const silence = 5 * time.Second

// ending is how long all may take that is left to be done when a statement has been given up.
const ending = 5 * time.Second

// errSilent is why the context of a read ends when no server has ended the statement at the timeout.
var errSilent = errors.New("the remote side does not answer")

// recordTimeout bounds the writing of a result after the caller's context has ended.
const recordTimeout = 10 * time.Second

func recording(ctx context.Context) (context.Context, context.CancelFunc) {
	return infra.Ending(ctx, recordTimeout)
}
