package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// mendEvery is how often a loop holds the states against the clock of the database, and cleans up.
const mendEvery = time.Minute

// farClaim is longer than any claim: a loop makes none, and ends none that may be somebody's.
const farClaim = 24 * time.Hour

func (l *Loop) mend(ctx context.Context) error {
	now := l.cfg.Now()
	if since := now.Sub(l.mended); since >= 0 && since < mendEvery {
		return nil
	}
	if err := mendClock(ctx, l.store, l.cfg.Log, farClaim); err != nil {
		return err
	}
	l.mended = now
	l.cleanUp(ctx)
	return nil
}

// cleanUpTimeout bounds one clean-up, which takes milliseconds: refreshes wait for it.
const cleanUpTimeout = 5 * time.Second

// cleanUp drops what processes have left behind. That it cannot is no reason not to refresh.
func (l *Loop) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeoutCause(ctx, cleanUpTimeout, fmt.Errorf("timed out after %s", cleanUpTimeout))
	defer cancel()
	if err := l.cfg.CleanUp(ctx); err != nil {
		l.cfg.Log.WarnContext(ctx, "what was left behind could not be dropped",
			infra.KeyError, redshift.Public(explain(ctx, err)), infra.KeyHint, infra.Hint(err))
	}
}

// mendClock makes views due that a clock which was ahead has put off, or whose state somebody has deleted, and says so.
func mendClock(ctx context.Context, store catalog.Store, log *slog.Logger, hold time.Duration) error {
	n, err := store.RestoreStates(ctx)
	if err != nil {
		return err
	}
	if n > 0 {
		log.WarnContext(ctx, "somebody has deleted the state of views: they are read in full", keyViews, n)
	}
	n, err = store.MendClock(ctx, hold)
	if err == nil && n > 0 {
		log.WarnContext(ctx, "the clock of the cache database has been set back; what it had put off is due now", keyViews, n)
	}
	return err
}

// keyViews counts views.
const keyViews = "views"
