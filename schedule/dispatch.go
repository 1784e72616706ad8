package schedule

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// Queue takes messages. It returns the positions of those that it has not taken; with an error, of all of which it is
// not known that they were.
type Queue interface {
	Send(ctx context.Context, queueURL string, bodies []string) (failed []int, err error)
}

// DispatchConfig says how a [Dispatcher] behaves. The zero value is usable, but for the queue.
type DispatchConfig struct {
	QueueURL string
	// Claim is how long a message is believed to be on its way when nothing is heard of it; default 15m. It should be
	// longer than messages wait in the queue, and shorter than the age at which a view is stale.
	Claim time.Duration
	// Ahead is how much work of a link may be in the queue, in time that its slots need for it; default 2m, which is
	// twice the pause between two looks.
	Ahead time.Duration
	Log   *slog.Logger // default: none
	Now   func() time.Time
}

const (
	defaultClaim = 15 * time.Minute
	defaultAhead = 2 * time.Minute
	// claimLimit is the most messages of one look: they are sent ten at a time, so these take seconds.
	claimLimit = 1000
	// unclaimTimeout bounds the end of claims, also after ctx has ended.
	unclaimTimeout = 10 * time.Second
)

// Dispatcher sends a message for each view that is due. Any number of them may work on one cache.
type Dispatcher struct {
	store catalog.Store
	queue Queue
	cfg   DispatchConfig
}

// NewDispatcher returns a dispatcher that looks into store and sends to queue.
func NewDispatcher(store catalog.Store, queue Queue, cfg DispatchConfig) *Dispatcher {
	cfg.Claim = cmp.Or(max(cfg.Claim, 0), defaultClaim)
	cfg.Ahead = cmp.Or(max(cfg.Ahead, 0), defaultAhead)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Dispatcher{store: store, queue: queue, cfg: cfg}
}

// The keys of log attributes that only dispatching has.
const (
	keySent   = "sent"
	keyUnsent = "unsent"
)

// Dispatch looks once, and returns the views for which it has sent a message, those that have waited longest first. What
// could not be sent is an error, and due for the next look.
func (d *Dispatcher) Dispatch(ctx context.Context) (sent []catalog.Claim, err error) {
	_ = mendClock(ctx, d.store, d.cfg.Log, d.cfg.Claim) // what is wrong with the database, the claim says as well
	due, err := d.store.Claim(ctx, claimLimit, d.cfg.Claim, d.cfg.Ahead)
	if err != nil || len(due) == 0 {
		return nil, err
	}
	slices.SortFunc(due, func(a, b catalog.Claim) int { return a.Since.Compare(b.Since) })
	bodies := make([]string, len(due))
	for i, claim := range due {
		bodies[i] = encode(claim, d.cfg.Now())
	}
	failed, err := d.queue.Send(ctx, d.cfg.QueueURL, bodies)
	var unsent []catalog.Claim
	for i, claim := range due {
		if slices.Contains(failed, i) {
			unsent = append(unsent, claim)
		} else {
			sent = append(sent, claim)
		}
	}
	if len(unsent) > 0 {
		err = errors.Join(err, d.unclaim(ctx, unsent))
		err = fmt.Errorf("send messages: %d of %d were not taken: %w", len(unsent), len(due), cmp.Or(err, errRefused))
	}
	d.cfg.Log.InfoContext(ctx, "dispatched", keySent, len(sent), keyUnsent, len(unsent))
	return sent, err
}

// errRefused is why messages were not taken when the queue names no reason for all.
var errRefused = errors.New("the queue refused them")

// unclaim makes views that nobody was told of due for the next look.
func (d *Dispatcher) unclaim(ctx context.Context, claims []catalog.Claim) error {
	ctx, cancel := infra.Ending(ctx, unclaimTimeout)
	defer cancel()
	return d.store.Unclaim(ctx, claims...)
}
