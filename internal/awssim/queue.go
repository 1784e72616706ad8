package awssim

import (
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// QueueConfig says how a queue behaves. The zero value of a field is the default.
type QueueConfig struct {
	// Visibility is how long a message that was received stays hidden, 30 s by default.
	Visibility time.Duration
	// MaxReceives is how often a message is received before it goes to DeadLetters; 0 never.
	MaxReceives int
	DeadLetters *Queue
	// Duplicates is the share of messages that come twice, from 0 to 1, spread evenly.
	Duplicates float64
}

// Queue is a standard queue of SQS. Its methods may be called from several goroutines.
type Queue struct {
	Name, URL, ARN string

	config QueueConfig

	mu        sync.Mutex
	messages  []*message
	remainder float64       // of a duplicate
	changed   chan struct{} // closed and replaced when a message may have become visible
}

type message struct {
	Message
	visible time.Time
}

// Message is one message as it was received.
type Message struct {
	ID, Body string
	Handle   string // by which it is deleted; another one each time
	Receives int    // how often it was received, this time included
	Sent     time.Time
}

// Queue makes a queue.
func (a *AWS) Queue(name string, config QueueConfig) *Queue {
	if config.Visibility == 0 {
		config.Visibility = 30 * time.Second
	}
	q := &Queue{
		Name: name, URL: a.URL + "/" + Account + "/" + name, ARN: "arn:aws:sqs:" + Region + ":" + Account + ":" + name,
		config: config, changed: make(chan struct{}),
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.queues[name] = q
	return q
}

// Send puts a message in, or two of them under one ID when the share of duplicates is due.
func (q *Queue) Send(body string) (id string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	id = rand.Text()
	q.put(id, body)
	if q.remainder += q.config.Duplicates; q.remainder >= 1 {
		q.remainder--
		q.put(id, body)
	}
	return id
}

func (q *Queue) put(id, body string) {
	now := time.Now()
	q.messages = append(q.messages, &message{Message{ID: id, Body: body, Sent: now}, now})
	q.wake()
}

func (q *Queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// Receive returns up to n messages and hides them for a while. Without any, it waits for one, no longer than wait.
func (q *Queue) Receive(ctx context.Context, n int, wait time.Duration) []Message {
	return q.receive(ctx, n, wait, q.config.Visibility)
}

func (q *Queue) receive(ctx context.Context, n int, wait, hide time.Duration) []Message {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		got, next, changed := q.take(n, hide)
		if len(got) > 0 || ctx.Err() != nil {
			return got
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// take returns what is visible now, when the next message will be, and what tells of another one before.
func (q *Queue) take(n int, hide time.Duration) (got []Message, next time.Time, changed chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	next = now.Add(time.Hour)
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool {
		if m.visible.After(now) {
			if m.visible.Before(next) {
				next = m.visible
			}
			return false
		}
		if len(got) == n {
			return false
		}
		if q.config.MaxReceives > 0 && m.Receives >= q.config.MaxReceives {
			q.config.DeadLetters.bury(m.ID, m.Body)
			return true
		}
		m.Receives++
		m.Handle, m.visible = rand.Text(), now.Add(hide)
		got = append(got, m.Message)
		return false
	})
	return got, next, q.changed
}

// bury puts a message in that came from another queue, whose ID it keeps.
func (q *Queue) bury(id, body string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.put(id, body)
}

// Delete removes a received message and says whether its handle was the last one given out.
func (q *Queue) Delete(handle string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	before := len(q.messages)
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.Handle == handle })
	return len(q.messages) < before
}

// Release lets a received message be seen again after a while.
func (q *Queue) Release(handle string, after time.Duration) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.messages, func(m *message) bool { return m.Handle == handle })
	if i < 0 {
		return false
	}
	q.messages[i].visible = time.Now().Add(after)
	q.wake()
	return true
}

// Bodies lists the messages that were not deleted, hidden ones included, oldest first.
func (q *Queue) Bodies() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	bodies := make([]string, len(q.messages))
	for i, m := range q.messages {
		bodies[i] = m.Body
	}
	return bodies
}
