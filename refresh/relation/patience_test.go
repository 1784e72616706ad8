package relation

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/pgtest"
)

func TestBriefly_LeavesTheTransactionItsOwnLimit(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t).Pool(t)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	limit := func(tx pgx.Tx) (text string) {
		if err := tx.QueryRow(t.Context(), `SHOW lock_timeout`).Scan(&text); err != nil {
			t.Fatal(err)
		}
		return text
	}
	if _, err := tx.Exec(t.Context(), `SET LOCAL lock_timeout = '7s'`); err != nil {
		t.Fatal(err)
	}
	failure := errors.New("refused")
	for _, want := range []error{nil, failure} {
		err := briefly(t.Context(), tx, 250*time.Millisecond, func(nested pgx.Tx) error {
			if got := limit(nested); got != "250ms" {
				t.Errorf("inside, the limit is %s", got)
			}
			return want
		})
		if !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
		if got := limit(tx); got != "7s" {
			t.Errorf("afterwards, the limit is %s", got)
		}
	}
}
