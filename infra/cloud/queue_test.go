package cloud_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
)

func TestSend_SendsEachOnceAndSaysWhichFailed(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	q := a.Queue("refresh", awssim.QueueConfig{})
	var bodies []string
	for i := range 23 {
		bodies = append(bodies, fmt.Sprintf(`{"view":"bi.v%d"}`, i))
	}
	refused := slices.Clone(bodies)
	refused[3], refused[12] = "", "" // which SQS does not take
	failed, err := a.Client().Send(t.Context(), q.URL, refused)
	if err != nil || !slices.Equal(failed, []int{3, 12}) || a.Count("sqs:SendMessageBatch") != 3 {
		t.Errorf("got %v, %v after %d batches", failed, err, a.Count("sqs:SendMessageBatch"))
	}
	got := q.Bodies()
	want := slices.DeleteFunc(refused, func(body string) bool { return body == "" })
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	a.Throttle("sqs:SendMessageBatch", 1000)
	failed, err = a.Client().Send(t.Context(), q.URL, bodies[:12])
	if failure(t, err).Kind != cloud.Throttled || len(failed) != 12 || a.Count("sqs:SendMessageBatch") != 3+5 {
		t.Errorf("got %v, %v after %d batches", failed, err, a.Count("sqs:SendMessageBatch"))
	}
	if failed, err := a.Client().Send(t.Context(), q.URL, nil); err != nil || failed != nil {
		t.Errorf("nothing to send: got %v, %v", failed, err)
	}
}
