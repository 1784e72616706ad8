package awssim

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Call is one request that was answered, faults included.
type Call struct {
	Action   string // redshift:GetClusterCredentials
	Resource string // the cluster, workgroup, secret, instance or queue, as it was named
	Region   string
}

// faults is what tests told the double to do wrong, and the log of what it was asked.
type faults struct {
	mu        sync.Mutex
	calls     []Call
	denied    map[string]bool
	throttled map[string]int
	broken    map[string]int
	delay     time.Duration
}

// Deny refuses an action, named as policies do, for want of permission. Allow ends it.
func (a *AWS) Deny(action string) { a.faults.deny(action, true) }

// Allow ends what Deny began.
func (a *AWS) Allow(action string) { a.faults.deny(action, false) }

// Throttle refuses the next n requests of an action as too many.
func (a *AWS) Throttle(action string, n int) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.throttled = with(a.faults.throttled, action, n)
}

// Break answers the next n requests of an action with an internal error.
func (a *AWS) Break(action string, n int) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.broken = with(a.faults.broken, action, n)
}

// Delay makes every answer take that long; 0 ends it.
func (a *AWS) Delay(d time.Duration) {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	a.faults.delay = d
}

// Calls lists the requests so far, in order. The SDK's own further attempts count.
func (a *AWS) Calls() []Call {
	a.faults.mu.Lock()
	defer a.faults.mu.Unlock()
	return append([]Call(nil), a.faults.calls...)
}

// Count says how often an action was asked for so far.
func (a *AWS) Count(action string) int {
	n := 0
	for _, call := range a.Calls() {
		if call.Action == action {
			n++
		}
	}
	return n
}

func with[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}

func (f *faults) deny(action string, denied bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.denied = with(f.denied, action, denied)
}

// meet logs a request and finds the fault that it has to meet, if there is one.
func (f *faults) meet(r *request) *refusal {
	f.mu.Lock()
	resource := r.text(operations[r.name()].about)
	f.calls = append(f.calls, Call{r.name(), resource, r.region})
	delay := f.delay
	refused := f.refusal(r, resource)
	f.mu.Unlock()
	if delay > 0 {
		wait := time.NewTimer(delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-r.Context().Done():
		}
	}
	return refused
}

func (f *faults) refusal(r *request, resource string) *refusal {
	action := r.name()
	permission := action
	if action == "sqs:SendMessageBatch" {
		permission = "sqs:SendMessage"
	}
	switch {
	case f.broken[action] > 0:
		f.broken[action]--
		return &refusal{http.StatusInternalServerError, "InternalFailure", "An internal error occurred."}
	case f.throttled[action] > 0:
		f.throttled[action]--
		if r.form != nil {
			return refuse("Throttling", "Rate exceeded")
		}
		return refuse("ThrottlingException", "Rate exceeded")
	case f.denied[permission]:
		code, status := "AccessDeniedException", http.StatusBadRequest
		if r.form != nil {
			code, status = "AccessDenied", http.StatusForbidden
		}
		return &refusal{status, code, fmt.Sprintf("User: arn:aws:sts::%s:assumed-role/redcache/test is not authorized to perform: "+
			"%s on resource: %s because no identity-based policy allows the %s action", Account, permission, resource, permission)}
	}
	return nil
}
