package lock_test

import (
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/lock"
)

func TestSlot_NeverMoreThanN(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const sessions, rounds, n = 16, 8, 3
	var inside, most atomic.Int64
	var slots [n]atomic.Int64
	var all sync.WaitGroup
	for range sessions {
		all.Go(func() {
			for range rounds {
				err := pgx.BeginFunc(t.Context(), b.pool, func(tx pgx.Tx) error {
					slot, err := lock.Slot(t.Context(), tx, 3, n, patience)
					if err != nil {
						return err
					}
					now := inside.Add(1)
					defer inside.Add(-1)
					if now > n {
						t.Errorf("%d sessions hold a slot at once, want at most %d", now, n)
					}
					for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
					}
					if slots[slot].Add(1) != 1 {
						t.Errorf("slot %d is held twice", slot)
					}
					defer slots[slot].Add(-1)
					_, err = tx.Exec(t.Context(), `SELECT count(*) FROM pg_catalog.pg_attribute`)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if most.Load() != n {
		t.Errorf("at most %d slots were held at once, want all %d to be of use", most.Load(), n)
	}
}

func TestSlot_NamesTheHolders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second, other := b.begin(t, "first"), b.begin(t, "second"), b.begin(t, "other")
	lockSlot(t, b.begin(t, "of another link"), 4, 1)
	taken := []int{lockSlot(t, first, 3, 2), lockSlot(t, second, 3, 2)}
	if taken[0] == taken[1] {
		t.Fatalf("both got slot %d", taken[0])
	}

	_, err := lock.Slot(t.Context(), other, 3, 2, 0)

	busy, ok := errors.AsType[*lock.BusyError](err)
	if !ok {
		t.Fatalf("got %v, want a BusyError", err)
	}
	var names []string
	for _, h := range busy.Holders {
		names = append(names, h.Application)
	}
	slices.Sort(names)
	if busy.LinkID != 3 || !slices.Equal(names, []string{"first", "second"}) {
		t.Errorf("got %+v", busy)
	}
	rollback(t, second)
	if got := lockSlot(t, other, 3, 2); got != taken[1] { // the transaction goes on, and the free slot is found
		t.Errorf("got slot %d, want the free %d", got, taken[1])
	}
}

func TestSlot_WaitEndsWithARelease(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 4} {
		b := setup(t)
		var holders []pgx.Tx
		for range n {
			tx := b.begin(t, "holder")
			lockSlot(t, tx, 3, n)
			holders = append(holders, tx)
		}
		waiter := b.begin(t, "waiter")
		result := make(chan error, 1)
		go func() {
			_, err := lock.Slot(t.Context(), waiter, 3, n, patience)
			result <- err
		}()
		b.awaitLocks(t, "the waiter", waiting)

		released := time.Now()
		rollback(t, holders[n-1])
		if err := <-result; err != nil {
			t.Fatalf("Slot of %d: %v", n, err)
		}
		if took := time.Since(released); took > 3*time.Second {
			t.Errorf("with %d slots, the waiter got one %v after the release", n, took)
		}
	}
}

func TestSlot_WaitEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 4} {
		b := setup(t)
		for range n {
			lockSlot(t, b.begin(t, "holder"), 3, n)
		}
		waiter := b.begin(t, "waiter")
		const wait = 250 * time.Millisecond

		start := time.Now()
		_, err := lock.Slot(t.Context(), waiter, 3, n, wait)
		if busy, ok := errors.AsType[*lock.BusyError](err); !ok || len(busy.Holders) != n {
			t.Errorf("got %v, want a BusyError with %d holders", err, n)
		}
		if took := time.Since(start); took < wait || took > wait+5*time.Second {
			t.Errorf("with %d slots, waited %v, want %v", n, took, wait)
		}
		lockSlot(t, waiter, 4, n) // the transaction goes on
	}
}

func TestSlot_RefusesWhatHasNoKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tx := b.begin(t, "holder")
	for _, tt := range []struct {
		link int32
		n    int
	}{{3, 0}, {3, -1}, {3, lock.MaxSlots + 1}, {-1, 1}, {math.MaxInt32/lock.MaxSlots + 1, 1}} {
		if _, err := lock.Slot(t.Context(), tx, tt.link, tt.n, 0); err == nil {
			t.Errorf("Slot(%d, %d): got no error", tt.link, tt.n)
		}
	}
	highest := int32(math.MaxInt32 / lock.MaxSlots)
	lockSlot(t, tx, highest, lock.MaxSlots)
	locks := b.awaitLocks(t, "the slot", func(locks []lock.Held) bool { return len(locks) == 1 })
	if locks[0].ID != highest {
		t.Errorf("got %+v, want link %d", locks[0], highest)
	}
}
