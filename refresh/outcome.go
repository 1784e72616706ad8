package refresh

import (
	"context"
	"errors"
	"fmt"

	"github.com/redcache/redcache/infra"
)

// commits are the attempts to commit one piece of work, of which the answer to one may get lost: then the work may be done, and
// whatever fails later says nothing about it.
type commits struct {
	runner *Runner
	lost   error                                   // what was heard instead of the answer; nil: nothing is open
	took   func(ctx context.Context) (bool, error) // whether that commit took effect
}

// after is what is known after an attempt: its error, if there is one, unless its work is done all the same. As long as nobody can
// tell, it is an [infra.ErrOutcomeUnknown]. took says whether this attempt has taken effect.
func (c *commits) after(ctx context.Context, err error, took func(ctx context.Context) (bool, error)) error {
	if errors.Is(err, infra.ErrOutcomeUnknown) {
		c.lost, c.took = err, took
	}
	if err == nil || c.lost == nil {
		return err
	}
	done, known := c.runner.became(ctx, c.took)
	switch {
	case done:
		return nil
	case known:
		c.lost = nil
		return err
	case errors.Is(err, infra.ErrOutcomeUnknown):
		return err
	}
	return infra.Hinted(fmt.Errorf("%w; then %w", c.lost, err), infra.Hint(c.lost))
}

// became asks until there is an answer whether something is so by now.
func (r *Runner) became(ctx context.Context, ask func(ctx context.Context) (bool, error)) (so, known bool) {
	ctx, cancel := recording(ctx)
	defer cancel()
	for n := 1; ; n++ {
		so, err := ask(ctx)
		if err == nil {
			return so, true
		}
		if r.cfg.Backoff.Wait(ctx, n) != nil {
			return false, false
		}
	}
}
