package awssim

import (
	"crypto/md5" //nolint:gosec // SQS's own checksum
	"encoding/hex"
	"encoding/json"
	"path"
	"strconv"
	"time"
)

// maxBody is the most bytes of one message, and of one batch: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const maxBody = 1 << 20

func (a *AWS) queueOf(r *request) (*Queue, *refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.queues[path.Base(r.text("QueueUrl"))]
	if q == nil || q.URL != r.text("QueueUrl") || r.region != Region {
		return nil, refuse("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
	}
	return q, nil
}

func checksum(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

func (a *AWS) sendMessage(r *request) (any, *refusal) {
	q, refused := a.queueOf(r)
	if refused != nil {
		return nil, refused
	}
	body := r.text("MessageBody")
	if body == "" || len(body) > maxBody {
		return nil, refuse("InvalidParameterValue", "The message must be from 1 to %d bytes long.", maxBody)
	}
	return map[string]string{"MessageId": q.Send(body), "MD5OfMessageBody": checksum(body)}, nil
}

func (a *AWS) sendMessageBatch(r *request) (any, *refusal) {
	q, refused := a.queueOf(r)
	if refused != nil {
		return nil, refused
	}
	var batch struct {
		Entries []struct{ Id, MessageBody string }
	} //nolint:staticcheck // SQS's name
	if err := json.Unmarshal(r.body, &batch); err != nil {
		return nil, refuse("SerializationException", "the body is no JSON")
	}
	if len(batch.Entries) == 0 {
		return nil, refuse("com.amazonaws.sqs#EmptyBatchRequest", "There should be at least one SendMessageBatchRequestEntry in the request.")
	}
	if len(batch.Entries) > 10 {
		return nil, refuse("com.amazonaws.sqs#TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10.")
	}
	total, ids := 0, map[string]bool{}
	for _, entry := range batch.Entries {
		total += len(entry.MessageBody)
		if ids[entry.Id] {
			return nil, refuse("com.amazonaws.sqs#BatchEntryIdsNotDistinct", "Id %s repeated.", entry.Id)
		}
		ids[entry.Id] = true
	}
	if total > maxBody {
		return nil, refuse("com.amazonaws.sqs#BatchRequestTooLong", "Batch requests cannot be longer than %d bytes.", maxBody)
	}
	done, failed := []map[string]any{}, []map[string]any{}
	for _, entry := range batch.Entries {
		if entry.MessageBody == "" {
			failed = append(failed, map[string]any{
				"Id": entry.Id, "Code": "MissingParameter", "SenderFault": true, "Message": "The request must contain the parameter MessageBody.",
			})
			continue
		}
		done = append(done, map[string]any{
			"Id": entry.Id, "MessageId": q.Send(entry.MessageBody), "MD5OfMessageBody": checksum(entry.MessageBody),
		})
	}
	return map[string]any{"Successful": done, "Failed": failed}, nil
}

func (a *AWS) receiveMessage(r *request) (any, *refusal) {
	q, refused := a.queueOf(r)
	if refused != nil {
		return nil, refused
	}
	n, wait := r.number("MaxNumberOfMessages", 1), r.number("WaitTimeSeconds", 0)
	if n < 1 || n > 10 || wait < 0 || wait > 20 {
		return nil, refuse("InvalidParameterValue", "MaxNumberOfMessages is 1 to 10, WaitTimeSeconds 0 to 20")
	}
	hide := q.config.Visibility
	if seconds := r.number("VisibilityTimeout", -1); seconds >= 0 {
		hide = time.Duration(seconds) * time.Second
	}
	list := []map[string]any{}
	for _, m := range q.receive(r.Context(), n, time.Duration(wait)*time.Second, hide) {
		list = append(list, map[string]any{
			"MessageId": m.ID, "Body": m.Body, "ReceiptHandle": m.Handle, "MD5OfBody": checksum(m.Body),
			"Attributes": map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(m.Receives), "SentTimestamp": strconv.FormatInt(m.Sent.UnixMilli(), 10),
			},
		})
	}
	return map[string]any{"Messages": list}, nil
}

// deleteMessage succeeds for a handle that is old as well, as SQS does.
func (a *AWS) deleteMessage(r *request) (any, *refusal) {
	q, refused := a.queueOf(r)
	if refused != nil {
		return nil, refused
	}
	q.Delete(r.text("ReceiptHandle"))
	return map[string]any{}, nil
}

func (a *AWS) changeMessageVisibility(r *request) (any, *refusal) {
	q, refused := a.queueOf(r)
	if refused != nil {
		return nil, refused
	}
	seconds := r.number("VisibilityTimeout", -1)
	if seconds < 0 || seconds > 43200 {
		return nil, refuse("InvalidParameterValue", "VisibilityTimeout is 0 to 43200")
	}
	if !q.Release(r.text("ReceiptHandle"), time.Duration(seconds)*time.Second) {
		return nil, refuse("com.amazonaws.sqs#MessageNotInflight", "The message is not in flight.")
	}
	return map[string]any{}, nil
}
