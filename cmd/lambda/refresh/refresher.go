package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/internal/wire"
	"github.com/redcache/redcache/cmd/lambda/setup"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
	"github.com/redcache/redcache/schedule"
)

// refresher is what the invocations of one execution environment share.
type refresher struct {
	function *setup.Function
	cfg      setup.Refresh
	handler  *schedule.Handler // kept, as what its runner has learned is
}

// invoke handles messages of the queue, or one request.
func (r *refresher) invoke(ctx context.Context, event json.RawMessage) (any, error) {
	messages, err := batchOf(event)
	if err != nil {
		return nil, err
	}
	err = r.ready(ctx)
	if messages == nil {
		if err != nil {
			return nil, err
		}
		run, err := r.handler.Refresh(ctx, event)
		return wire.RunOf(run).Public(run), err
	}
	failed := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range messages {
		if err == nil && r.handler.Message(ctx, []byte(m.Body)) == schedule.Done {
			continue
		}
		failed.BatchItemFailures = append(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		if failure := giveBack(ctx, r.function.AWS, r.cfg.QueueURL, m); failure != nil {
			r.function.Log.WarnContext(ctx, "message comes again late",
				infra.KeyError, infra.Message(failure), infra.KeyHint, infra.Hint(failure))
		}
	}
	return failed, err
}

// ready opens what invocations need, once.
func (r *refresher) ready(ctx context.Context) error {
	f, cfg := r.function, r.cfg
	pool, err := f.Pool(ctx)
	if err != nil || r.handler != nil {
		return err
	}
	runner := refresh.NewRunner(pool, refresh.Config{
		Origin: "lambda", Log: f.Log, KeepRuns: cfg.KeepRuns, SwitchPatience: cfg.SwitchPatience,
		ModifiedLag: cfg.ModifiedLag, Links: access.NewKeeper(pool, f.AWS, access.Config{Log: f.Log}),
	})
	r.handler = schedule.NewHandler(catalog.In(pool), runner, schedule.HandlerConfig{Log: f.Log, Report: f.Metrics.Run})
	return nil
}
