package lock_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/lock"
)

// The shape of a view is shared by many, or one has it alone; its lock has nothing to do with that of the view, and a wait in vain
// leaves the transaction usable.
func TestShape_IsSharedOrHeldByOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, second, alone := b.begin(t, "first"), b.begin(t, "second"), b.begin(t, "alone")
	lockView(t, alone, 7)
	wantShape(t, first, 7, false, 0, true)
	wantShape(t, second, 7, false, 0, true)
	wantShape(t, alone, 8, true, 0, true)
	wantShape(t, alone, 7, true, 0, false)
	wantShape(t, alone, 7, true, 10*time.Millisecond, false)
	rollback(t, first)
	wantShape(t, alone, 7, true, 0, false)

	waited := make(chan error, 1)
	go func() {
		taken, err := lock.Shape(t.Context(), alone, 7, true, patience)
		if err == nil && !taken {
			t.Error("it waited in vain")
		}
		waited <- err
	}()
	b.awaitTrue(t, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (
		SELECT oid FROM pg_database WHERE datname = current_database()))`)
	rollback(t, second)
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	wantShape(t, b.begin(t, "third"), 7, false, 0, false)
}

func wantShape(t *testing.T, tx pgx.Tx, view int32, alone bool, wait time.Duration, want bool) {
	t.Helper()
	taken, err := lock.Shape(t.Context(), tx, view, alone, wait)
	if err != nil || taken != want {
		t.Fatalf("Shape(%d, %t): %t, %v; want %t", view, alone, taken, err, want)
	}
}
