package infra_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
)

func TestMessage_TellsErrorsApart(t *testing.T) {
	t.Parallel()
	commit := fmt.Errorf("commit: %w", errors.New("conn closed"))
	refused := &pgconn.PgError{Severity: "ERROR", Code: "42501", Message: "permission denied"}
	for want, err := range map[string]error{
		"commit: conn closed; begin: conn closed":         errors.Join(commit, errors.New("begin: conn closed")),
		"x: commit: conn closed; drop: permission denied": fmt.Errorf("x: %w", errors.Join(commit, fmt.Errorf("drop: %w", refused))),
		"commit: conn closed, permission denied":          fmt.Errorf("%w, %w", commit, refused),
		"two lines of one":                                errors.New("two lines\n\tof one"),
	} {
		if got := infra.Message(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
