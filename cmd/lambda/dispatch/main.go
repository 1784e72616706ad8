// Command dispatch is the function that looks for views that are due, and sends a message for each. EventBridge invokes
// it, once a minute say; whatever the event says does not matter. Package setup says what it needs.
package main

import (
	"context"
	"encoding/json"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/lambda/setup"
	"github.com/redcache/redcache/schedule"
)

func main() {
	var cfg setup.Dispatch
	f := setup.Load(&cfg, &cfg.Config)
	f.Serve(func(ctx context.Context, _ json.RawMessage) (any, error) {
		pool, err := f.Pool(ctx)
		if err != nil {
			return nil, err
		}
		store := catalog.In(pool)
		dispatcher := schedule.NewDispatcher(store, f.AWS, schedule.DispatchConfig{
			QueueURL: cfg.QueueURL, Claim: cfg.Claim, Log: f.Log,
		})
		f.Metrics.Look(ctx, store) // first, so that they are there when the queue does not answer
		sent, err := dispatcher.Dispatch(ctx)
		return map[string]int{"sent": len(sent)}, err
	})
}
