package cloud

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// batch is the most messages that SQS takes at once.
const batch = 10

// Send puts messages into a queue, in batches of 10, and returns the indexes of those that did not get there, in
// order. Without an error, the queue turned down just these. After an error, which is the first, it went on with no
// further batch: the rest is among the failed, and some of the batch that got no answer may have arrived.
func (c *Client) Send(ctx context.Context, queueURL string, bodies []string) (failed []int, err error) {
	of := queueCall(ActionSend, queueURL)
	for first := 0; first < len(bodies); first += batch {
		end := min(first+batch, len(bodies))
		refused, err := do(ctx, c, of, func(r *regional) ([]int, error) {
			return sendBatch(ctx, r.queues, queueURL, bodies[first:end])
		})
		if err != nil {
			for i := first; i < len(bodies); i++ {
				failed = append(failed, i)
			}
			return failed, err
		}
		for _, i := range refused {
			failed = append(failed, first+i)
		}
	}
	return failed, nil
}

func sendBatch(ctx context.Context, queues *sqs.Client, queueURL string, bodies []string) ([]int, error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(bodies))
	for i := range bodies {
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &bodies[i]}
	}
	out, err := queues.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &queueURL, Entries: entries})
	if err != nil {
		return nil, err
	}
	taken := make([]bool, len(bodies)) // what is in neither list of an answer did not arrive, as far as is known
	for _, entry := range out.Successful {
		if i, err := strconv.Atoi(aws.ToString(entry.Id)); err == nil && i >= 0 && i < len(taken) {
			taken[i] = true
		}
	}
	var refused []int
	for i := range taken {
		if !taken[i] {
			refused = append(refused, i)
		}
	}
	return refused, nil
}

// Return gives a message back that was received with a handle, to be handed out again after a pause, in whole seconds.
func (c *Client) Return(ctx context.Context, queueURL, handle string, after time.Duration) error {
	_, err := do(ctx, c, queueCall(ActionReturn, queueURL), func(r *regional) (any, error) {
		return r.queues.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &queueURL, ReceiptHandle: &handle, VisibilityTimeout: int32(after / time.Second),
		})
	})
	return err
}

// queueCall reads region, account and name from a queue's URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME.
func queueCall(action, queueURL string) call {
	of := call{
		action: action, resource: queueURL,
		missing: "Check the queue's URL, as aws sqs list-queues prints it.",
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return of
	}
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(path) == 2 {
		of.allow = []string{"arn:PARTITION:sqs:REGION:" + path[0] + ":" + path[1]}
		of.resource = path[1]
	}
	host := strings.Split(u.Hostname(), ".")
	if len(host) > 3 && host[0] == "sqs" && slices.Contains(host, "amazonaws") {
		of.region = host[1]
	}
	return of
}
