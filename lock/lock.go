package lock

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Querier reads; pgx.Tx, *pgxpool.Pool and *pgx.Conn do.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Holder is a session that has a lock or waits for one.
type Holder struct {
	PID         int
	Application string
	User        string
	ClientAddr  string
	Since       time.Time
	State       string
}

// String names the holder.
func (h Holder) String() string { return fmt.Sprintf("pid %d", h.PID) }

// Held is one lock.
type Held struct {
	Kind    string
	ID      int32
	Slot    int
	Waiting bool
	Holder
}

// HeldError says that somebody else has the view's lock.
type HeldError struct {
	ViewID int32
	Holder Holder
	Known  bool
}

func (e *HeldError) Error() string {
	if !e.Known {
		return fmt.Sprintf("view %d is locked by another session", e.ViewID)
	}
	return fmt.Sprintf("view %d is locked by %s", e.ViewID, e.Holder)
}

// BusyError says that no slot of the link was free.
type BusyError struct {
	LinkID  int32
	Holders []Held
}

func (e *BusyError) Error() string {
	names := make([]string, len(e.Holders))
	for i, h := range e.Holders {
		names[i] = h.Holder.String()
	}
	return fmt.Sprintf("link %d has no free slot, held by %s", e.LinkID, strings.Join(names, ", "))
}

// View takes the view's lock in tx.
func View(ctx context.Context, tx pgx.Tx, viewID int32, wait time.Duration) error {
	var ok bool
	err := tx.QueryRow(ctx, "SELECT pg_catalog.pg_try_advisory_xact_lock('redcache.view'::regclass::oid::int8::bit(32)::int4, $1)", viewID).Scan(&ok)
	if err != nil {
		return fmt.Errorf("lock view %d: %w", viewID, err)
	}
	if !ok {
		return &HeldError{ViewID: viewID}
	}
	return nil
}

// Slot takes one of n slots of the link's semaphore in tx.
func Slot(ctx context.Context, tx pgx.Tx, linkID int32, n int, wait time.Duration) (int, error) {
	return 0, nil
}

// List returns all locks of this package in this database.
func List(ctx context.Context, q Querier) ([]Held, error) { return nil, nil }
