package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift/session"
)

// Of an interruption, it says what the servers have told, and nothing more.
func TestFail_TellsWhatHappenedToTheStatement(t *testing.T) {
	t.Parallel()
	over := &pgconn.PgError{Code: "57014", Message: "canceling statement due to user request"}
	for _, tt := range []struct {
		name, want string
		err        error
	}{
		{"cancelled here", "refresh: interrupted; what was running has been cancelled on the cache database", over},
		{"cancelled there", "refresh: interrupted; what was running has been cancelled on Redshift", &session.Failure{Err: over}},
		{"unknown", "refresh: interrupted", errors.New("connection lost")},
		{
			"refused", "refresh: interrupted; the statement may still run on Redshift: permission denied",
			errors.Join(over, &infra.StillRunning{Err: errors.New("permission denied")}),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			var told strings.Builder
			(&program{stderr: &told}).fail(ctx, doing(tt.err, "refresh"))
			if got, _, _ := strings.Cut(told.String(), "\n"); got != "cachectl: "+tt.want {
				t.Errorf("got  %q\nwant %q", got, "cachectl: "+tt.want)
			}
		})
	}
}
