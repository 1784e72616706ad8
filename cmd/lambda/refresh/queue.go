package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/redcache/redcache/infra"
)

// queueSource is what messages of SQS say that they are from.
const queueSource = "aws:sqs"

// batchOf returns the messages of an event of the queue, or none when the event is a person's request. An event of
// another service is an error: nobody would see that nothing came of it.
func batchOf(event json.RawMessage) ([]events.SQSMessage, error) {
	var batch events.SQSEvent
	if err := json.Unmarshal(event, &batch); err != nil || batch.Records == nil {
		return nil, nil //nolint:nilerr // what it is instead is for others to say
	}
	for _, m := range batch.Records {
		if m.EventSource != queueSource || m.MessageId == "" {
			return nil, infra.Hinted(errors.New("read event: it has records, and not all are messages of SQS"),
				`This function takes messages of its queue, and requests such as {"view": "bi.sales"}: remove the trigger.`)
		}
	}
	return batch.Records, nil
}

// The pauses before a message comes again whose refresh could not begin.
var comesAgain = infra.Backoff{Base: 5 * time.Second, Max: 45 * time.Second}

// giver gives a message back to its queue, see cloud.Client.Return.
type giver interface {
	Return(ctx context.Context, queueURL, handle string, after time.Duration) error
}

// giveBack makes a message come again soon. It would otherwise stay hidden for as long as the longest refresh takes,
// although nobody works on it.
func giveBack(ctx context.Context, queue giver, queueURL string, m events.SQSMessage) error {
	if queueURL == "" {
		return nil
	}
	times, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil {
		times = 1
	}
	const limit = 2 * time.Second // it is worth no more: the message comes again in any case
	ctx, done := infra.Ending(ctx, limit)
	defer done()
	if err := queue.Return(ctx, queueURL, m.ReceiptHandle, comesAgain.Delay(times)); err != nil {
		return fmt.Errorf("give message %s back: %w", m.MessageId, err)
	}
	return nil
}
