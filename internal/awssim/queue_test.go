package awssim_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/awssim"
)

func TestQueue_DeliversUntilDeleted(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	q := a.Queue("refresh", awssim.QueueConfig{Visibility: 50 * time.Millisecond})
	q.Send("one")
	first := q.Receive(t.Context(), 10, 0)
	if len(first) != 1 || first[0].Body != "one" || first[0].Receives != 1 {
		t.Fatalf("got %+v", first)
	}
	if hidden := q.Receive(t.Context(), 10, 0); len(hidden) != 0 {
		t.Errorf("a hidden message came: %+v", hidden)
	}
	again := q.Receive(t.Context(), 10, 10*time.Second)
	if len(again) != 1 || again[0].ID != first[0].ID || again[0].Receives != 2 || again[0].Handle == first[0].Handle {
		t.Fatalf("got %+v after %+v", again, first)
	}
	if q.Delete(first[0].Handle) {
		t.Error("an old handle deleted the message")
	}
	if !q.Release(again[0].Handle, 0) || len(q.Receive(t.Context(), 1, 0)) != 1 {
		t.Error("a message that was released did not come at once")
	}
}

func TestQueue_WaitsForAMessage(t *testing.T) {
	t.Parallel()
	q := awssim.Start(t).Queue("refresh", awssim.QueueConfig{})
	got := make(chan []awssim.Message)
	go func() { got <- q.Receive(t.Context(), 1, 20*time.Second) }()
	q.Send("late")
	if m := <-got; len(m) != 1 || m[0].Body != "late" || !q.Delete(m[0].Handle) || len(q.Bodies()) != 0 {
		t.Errorf("got %+v, left %v", m, q.Bodies())
	}
}

func TestQueue_BuriesPoisonAndDuplicates(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	dead := a.Queue("dead", awssim.QueueConfig{})
	q := a.Queue("refresh", awssim.QueueConfig{Visibility: time.Nanosecond, MaxReceives: 2, DeadLetters: dead, Duplicates: 0.25})
	for i := range 8 {
		q.Send(fmt.Sprint(i))
	}
	if n := len(q.Bodies()); n != 10 {
		t.Errorf("%d messages, want 8 and a quarter of them twice", n)
	}
	for len(q.Bodies()) > 0 {
		q.Receive(t.Context(), 10, 0)
	}
	bodies := dead.Bodies()
	slices.Sort(bodies)
	if len(bodies) != 10 || len(slices.Compact(bodies)) != 8 {
		t.Errorf("buried are %v", bodies)
	}
}
