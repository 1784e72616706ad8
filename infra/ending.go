package infra

import (
	"context"
	"time"
)

// endKey is the context key of [WithEnd].
type endKey struct{}

// WithEnd says by when all must be over that the work on ctx leaves to be done when it fails or is stopped: cancelling
// statements, rolling back, closing sessions, writing down what happened. Nothing of it goes by the end of ctx itself,
// which is what it comes after. A context that has an end already keeps the earlier one.
func WithEnd(ctx context.Context, end time.Time) context.Context {
	if known, ok := End(ctx); ok && known.Before(end) {
		return ctx
	}
	return context.WithValue(ctx, endKey{}, end)
}

// End returns what [WithEnd] said.
func End(ctx context.Context) (end time.Time, ok bool) {
	end, ok = ctx.Value(endKey{}).(time.Time)
	return end, ok
}

// graceKey is the context key of [WithGrace].
type graceKey struct{}

// WithGrace says how long one step of the clean-up after ctx may take at most, where waiting for longer would be in vain.
func WithGrace(ctx context.Context, most time.Duration) context.Context {
	return context.WithValue(ctx, graceKey{}, most)
}

// Grace is how long one step of the clean-up after ctx may take: the limit, or what [WithGrace] gave, or half of what is left
// until the end that [WithEnd] gave, if that is less. Since each step takes half at most, there is always something left for the next one,
// however many of them meet a server that answers nothing.
func Grace(ctx context.Context, limit time.Duration) time.Duration {
	if most, ok := ctx.Value(graceKey{}).(time.Duration); ok {
		limit = min(limit, most)
	}
	if end, ok := End(ctx); ok {
		return max(min(limit, time.Until(end)/2), time.Millisecond)
	}
	return limit
}

// Ending returns a context for one step of the clean-up after ctx: it goes on after ctx has ended, for as long as
// [Grace] says.
func Ending(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), Grace(ctx, limit))
}
