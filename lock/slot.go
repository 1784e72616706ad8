package lock

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// MaxSlots is the most slots that a link can have, so that a link's id and a slot fit one int4.
const MaxSlots = 64

// maxLinkID is the highest link id whose slots have keys: 33 million links.
const maxLinkID = math.MaxInt32 / MaxSlots

// turn is how long a waiter stands in the queue of one slot before it looks at all of them again: what a waiter loses
// at most when another slot becomes free, against four round trips per turn.
const turn = 100 * time.Millisecond

// BusyError says that every slot of the link is taken. [Slot] returns it.
type BusyError struct {
	LinkID  int32
	Holders []Held // sorted by slot; empty when they let go before they could be named
}

// Error names the link and the holders of its slots.
func (e *BusyError) Error() string {
	if len(e.Holders) == 0 {
		return fmt.Sprintf("lock slot of link %d: all slots are taken", e.LinkID)
	}
	names := make([]string, len(e.Holders))
	for i, h := range e.Holders {
		names[i] = h.Holder.String()
	}
	return fmt.Sprintf("lock slot of link %d: all slots are taken, by %s", e.LinkID, strings.Join(names, "; "))
}

// Slot takes one of the n slots (1 to [MaxSlots]) of a link's semaphore in tx, where it stays until tx ends, and
// returns its number, from 0. If all are taken, Slot waits at most so long; 0 does not wait. If none is free by then, it
// returns a [*BusyError] and tx can go on. After any other error, the end of ctx included, tx can only be rolled back.
//
// All sessions must use the same n. While a smaller one spreads, holders of the slots above it are not counted.
// A transaction that takes two slots of one link may be given the same one twice.
func Slot(ctx context.Context, tx pgx.Tx, linkID int32, n int, wait time.Duration) (int, error) {
	if n < 1 || n > MaxSlots || linkID < 0 || linkID > maxLinkID {
		return 0, fmt.Errorf("lock slot of link %d: want 1 to %d slots and a link id up to %d, got %d slots",
			linkID, MaxSlots, maxLinkID, n)
	}
	slot, err := takeSlot(ctx, tx, linkID, n, wait)
	if err == nil {
		return slot, nil
	}
	if !errors.Is(err, errNoSlot) {
		return 0, fmt.Errorf("lock slot of link %d: %w", linkID, err)
	}
	locks, err := List(ctx, tx)
	if err != nil {
		return 0, fmt.Errorf("lock slot of link %d: find the holders: %w", linkID, err)
	}
	busy := &BusyError{LinkID: linkID}
	for _, l := range locks {
		if l.Kind == KindLink && l.ID == linkID && !l.Waiting {
			busy.Holders = append(busy.Holders, l)
		}
	}
	return 0, busy
}

var errNoSlot = errors.New("no slot is free")

func takeSlot(ctx context.Context, tx pgx.Tx, linkID int32, n int, wait time.Duration) (int, error) {
	// The context is only a clock here: it must not cancel a statement, or tx would be lost.
	clock, stop := context.WithTimeout(context.Background(), max(wait, 0))
	defer stop()
	deadline, _ := clock.Deadline()
	for first := rand.IntN(n); ; first = (first + 1) % n {
		slot, err := trySlots(ctx, tx, linkID, n, first)
		if !errors.Is(err, errNoSlot) {
			return slot, err
		}
		limit := time.Until(deadline)
		if limit <= 0 {
			return 0, errNoSlot
		}
		if n > 1 {
			limit = min(limit, turn)
		}
		taken, err := slotKey(linkID, first).await(ctx, tx, limit)
		if err != nil || taken {
			return first, err
		}
	}
}

// MoreSlots takes up to want further slots of a link's semaphore, whatever is free now, for a transaction that has the
// slot have, and returns how many it got. They too stay until tx ends.
func MoreSlots(ctx context.Context, tx pgx.Tx, linkID int32, n, have, want int) (got int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(*)
		FROM (
		    SELECT i
		    FROM pg_catalog.generate_series(0, $2::integer - 1) AS i
		    WHERE i <> $3 AND pg_catalog.pg_try_advisory_xact_lock(`+linkClass+`, $1::integer + i)
		    LIMIT $4
		) taken`,
		slotKey(linkID, 0).id, n, have, want).Scan(&got)
	if err != nil {
		return 0, fmt.Errorf("lock more slots of link %d: %w", linkID, err)
	}
	return got, nil
}

// trySlots takes the first free slot, counted from first, in one round trip. The function scan hands out its rows one
// by one and in order, and LIMIT stops it at the first success, so that no second slot is taken.
func trySlots(ctx context.Context, tx pgx.Tx, linkID int32, n, first int) (slot int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT (i + $2::integer) % $3::integer
		FROM pg_catalog.generate_series(0, $3::integer - 1) AS i
		WHERE pg_catalog.pg_try_advisory_xact_lock(`+linkClass+`, $1::integer + (i + $2::integer) % $3::integer)
		LIMIT 1`,
		slotKey(linkID, 0).id, first, n).Scan(&slot)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, errNoSlot
	}
	return slot, err
}

func slotKey(linkID int32, slot int) key {
	return key{class: linkClass, id: linkID*MaxSlots + int32(slot)}
}
