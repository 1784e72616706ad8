package lambdatest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// NewSQS returns a client of the double of SQS that is told of by AWS's own variables.
func NewSQS(env []string) *sqs.Client {
	known := map[string]string{}
	for _, entry := range env {
		name, value, _ := strings.Cut(entry, "=")
		known[name] = value
	}
	return sqs.New(sqs.Options{
		Region: known["AWS_REGION"], BaseEndpoint: aws.String(known["AWS_ENDPOINT_URL"]),
		Credentials: credentials.NewStaticCredentialsProvider(known["AWS_ACCESS_KEY_ID"], known["AWS_SECRET_ACCESS_KEY"], ""),
	})
}

// Mapping is an event source mapping: what a queue has is handed to a function, in batches of one message, with
// ReportBatchItemFailures. It works until the test stops it.
type Mapping struct {
	queues *sqs.Client
	url    string
	free   chan *Environment

	mu      sync.Mutex
	results []Result
	errs    []error
}

// Map starts a mapping from a queue to environments, of which each has one invocation at a time. The returned function stops
// it and waits for what is under way; it is called at the end of the test at the latest.
func Map(t testing.TB, queues *sqs.Client, queueURL string, environments ...*Environment) (m *Mapping, stop func()) {
	t.Helper()
	m = &Mapping{queues: queues, url: queueURL, free: make(chan *Environment, len(environments))}
	for _, e := range environments {
		m.free <- e
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range environments {
		all.Go(func() { m.poll(ctx) })
	}
	stop = sync.OnceFunc(func() {
		cancel()
		all.Wait()
		for _, err := range m.errs {
			t.Errorf("mapping: %v", err)
		}
	})
	t.Cleanup(stop)
	return m, stop
}

// Results returns how the invocations so far ended.
func (m *Mapping) Results() []Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Result{}, m.results...)
}

func (m *Mapping) poll(ctx context.Context) {
	for ctx.Err() == nil {
		received, err := m.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &m.url, MaxNumberOfMessages: 1, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			if ctx.Err() == nil {
				m.fail(fmt.Errorf("receive: %w", err))
				return
			}
			continue
		}
		for _, message := range received.Messages {
			m.handle(message)
		}
	}
}

func (m *Mapping) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errs = append(m.errs, err)
}

// handle invokes a function with a message, and deletes it unless the function failed or wants it again. Then it comes
// back when its visibility timeout is over.
func (m *Mapping) handle(message types.Message) {
	e := <-m.free
	defer func() { m.free <- e }()
	result, err := e.Invoke(event(message))
	if err != nil {
		m.fail(err)
		return
	}
	m.mu.Lock()
	m.results = append(m.results, result)
	m.mu.Unlock()
	if result.Failed() {
		return
	}
	again, err := failures(result.Payload, *message.MessageId)
	if err != nil {
		m.fail(err)
	}
	if !again {
		_, err = m.queues.DeleteMessage(context.Background(), &sqs.DeleteMessageInput{
			QueueUrl: &m.url, ReceiptHandle: message.ReceiptHandle,
		})
		if err != nil {
			m.fail(fmt.Errorf("delete: %w", err))
		}
	}
}

// event is what Lambda makes of a message.
func event(message types.Message) []byte {
	attributes := map[string]string{}
	maps.Copy(attributes, message.Attributes)
	text, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: aws.ToString(message.MessageId), ReceiptHandle: aws.ToString(message.ReceiptHandle),
		Body: aws.ToString(message.Body), Md5OfBody: aws.ToString(message.MD5OfBody), Attributes: attributes,
		EventSourceARN: "arn:aws:sqs:" + region + ":" + account + ":queue", EventSource: "aws:sqs", AWSRegion: region,
	}}})
	if err != nil {
		panic(err) // texts
	}
	return text
}

// failures reads a partial batch response, and says whether the message is to come back. AWS takes all of a batch for failed
// when a response is not of the form that it knows; here that is a mistake.
func failures(payload []byte, messageID string) (again bool, err error) {
	var response struct {
		BatchItemFailures *[]struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(payload, &response); err != nil {
		return true, fmt.Errorf("read response %s: %w", payload, err)
	}
	if response.BatchItemFailures == nil {
		return false, errors.New("a response names no batchItemFailures: " + string(payload))
	}
	for _, failure := range *response.BatchItemFailures {
		if failure.ItemIdentifier != messageID {
			return true, fmt.Errorf("a response names message %q, which was not in the batch", failure.ItemIdentifier)
		}
		again = true
	}
	return again, nil
}
