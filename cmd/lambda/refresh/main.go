// Command refresh is the function that refreshes views. SQS invokes it with the dispatcher's messages, and anybody may
// with {"view": "bi.sales"}, who then gets the run, or its failure. Package setup says what it needs.
package main

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/internal/wire"
	"github.com/redcache/redcache/cmd/lambda/setup"
	"github.com/redcache/redcache/refresh"
	"github.com/redcache/redcache/schedule"
)

func main() {
	var cfg setup.Refresh
	f := setup.Load(&cfg, &cfg.Config)
	var handler *schedule.Handler // kept, as what its runner has learned is
	f.Serve(func(ctx context.Context, event json.RawMessage) (any, error) {
		pool, err := f.Pool(ctx)
		if err != nil {
			return nil, err
		}
		if handler == nil {
			runner := refresh.NewRunner(pool, refresh.Config{
				Origin: "lambda", Log: f.Log, KeepRuns: cfg.KeepRuns, SwitchPatience: cfg.SwitchPatience,
				ModifiedLag: cfg.ModifiedLag, Links: access.NewKeeper(pool, f.AWS, access.Config{Log: f.Log}),
			})
			handler = schedule.NewHandler(catalog.In(pool), runner, schedule.HandlerConfig{Log: f.Log, Report: f.Metrics.Run})
		}
		var batch events.SQSEvent
		if err := json.Unmarshal(event, &batch); err != nil || batch.Records == nil {
			run, err := handler.Refresh(ctx, event)
			return wire.RunOf(run).Public(run), err
		}
		failed := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
		for _, m := range batch.Records {
			if handler.Message(ctx, []byte(m.Body)) == schedule.Again {
				failed.BatchItemFailures = append(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			}
		}
		return failed, nil
	})
}
