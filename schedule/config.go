package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/redcache/redcache/infra"
)

// Config says how a [Loop] behaves. The zero value is usable.
type Config struct {
	// Concurrency is how many refreshes this process has under way at most; default 4.
	Concurrency int
	// PerLink is how many of them may be of one link, whose own limit over all processes holds as well. By default
	// half of Concurrency, rounded up, or all of it while there is only one link.
	PerLink int
	// Poll is the pause between two looks at what is due, spread by a quarter in both directions; default 1s.
	Poll time.Duration
	// StopGrace is how long refreshes may go on when the loop is stopped, before they are cancelled. Zero takes the
	// default of 30s, a negative value cancels at once.
	StopGrace time.Duration
	// CleanUp is called once a minute, whether anything is due or not: what processes have left behind is dropped then;
	// default: nothing.
	CleanUp func(ctx context.Context) error
	// Log gets what the runner does not log itself; default: none.
	Log *slog.Logger
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Rand spreads pauses, in [0, 1); default math/rand/v2.
	Rand func() float64
}

const (
	defaultConcurrency = 4
	defaultPoll        = time.Second
	defaultStopGrace   = 30 * time.Second
)

const (
	longestOutage = 5 * time.Second // between two looks at a database that does not answer
	longestRest   = time.Minute     // of a view that fails before it gets to its rows
)

// withDefaults returns the configuration with its defaults filled in, or what is wrong with it.
func (c Config) withDefaults() (Config, error) {
	if c.Concurrency < 0 || c.PerLink < 0 || c.Poll < 0 {
		return c, fmt.Errorf("schedule: concurrency %d, per link %d and poll %s must not be negative",
			c.Concurrency, c.PerLink, c.Poll)
	}
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.StopGrace == 0 {
		c.StopGrace = defaultStopGrace
	}
	if c.CleanUp == nil {
		c.CleanUp = func(context.Context) error { return nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Float64
	}
	return c, nil
}

// pause is the time until the next look when nothing happens before.
func (c Config) pause() time.Duration {
	return infra.Backoff{Base: c.Poll, Max: c.Poll, Rand: c.Rand}.Delay(1)
}

// outage is the time until the next look after n that failed.
func (c Config) outage(n int) time.Duration {
	return infra.Backoff{Base: c.Poll, Max: max(c.Poll, longestOutage), Rand: c.Rand}.Delay(n)
}

// rest is how long a view is left alone after n refreshes in a row that did not get to its rows.
func (c Config) rest(n int) time.Duration {
	return infra.Backoff{Base: 2 * c.Poll, Max: max(2*c.Poll, longestRest), Rand: c.Rand}.Delay(n)
}
