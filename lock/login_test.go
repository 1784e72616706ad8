package lock_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/lock"
)

// The lock of a link's login has nothing to do with its slots, nor with a view or another link of the same number, and
// a wait in vain leaves the transaction usable.
func TestLogin_IsHeldByOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder, other := b.begin(t, "holder"), b.begin(t, "other")
	lockView(t, other, 7)
	lockSlot(t, other, 7, 1)
	wantLogin(t, holder, 7, 0, true)
	wantLogin(t, holder, 7, 0, true) // again, as with a view
	wantLogin(t, other, 8, 0, true)
	wantLogin(t, other, 7, 0, false)
	wantLogin(t, other, 7, 10*time.Millisecond, false)
	held, err := lock.List(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	var logins []int32
	for _, h := range held {
		if h.Kind == lock.KindLogin && h.Slot == 0 && !h.Waiting {
			logins = append(logins, h.ID)
		}
	}
	if len(held) != 4 || len(logins) != 2 || logins[0] != 7 || logins[1] != 8 {
		t.Errorf("locks %+v, want those of a view, a slot and two logins", held)
	}
	rollback(t, holder)
	wantLogin(t, other, 7, 0, true)
}

// Whoever waits for a holder that dies is next.
func TestLogin_PassesOnWhenItsHolderDies(t *testing.T) {
	t.Parallel()
	b := setup(t)
	holder, waiter := b.begin(t, "holder"), b.begin(t, "waiter")
	wantLogin(t, holder, 7, 0, true)
	result := make(chan error, 1)
	taken := false
	go func() {
		var err error
		taken, err = lock.Login(t.Context(), waiter, 7, patience)
		result <- err
	}()
	b.awaitLocks(t, "the waiter", waiting)
	if _, err := b.pool.Exec(t.Context(), `SELECT pg_terminate_backend($1)`, pidOf(holder)); err != nil {
		t.Fatal(err)
	}
	if err := <-result; err != nil || !taken {
		t.Errorf("Login: %v, %v, want the lock", taken, err)
	}
}

func wantLogin(t *testing.T, tx pgx.Tx, id int32, wait time.Duration, want bool) {
	t.Helper()
	taken, err := lock.Login(t.Context(), tx, id, wait)
	if err != nil || taken != want {
		t.Fatalf("Login(%d, %s): got %v, %v, want %v", id, wait, taken, err, want)
	}
}
