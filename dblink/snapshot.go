package dblink

import (
	"context"
	"fmt"

	"github.com/redcache/redcache/redshift"
)

// Begin starts a snapshot: all that is read on this session until [Session.Commit] is from one moment. Otherwise each
// statement has a moment of its own. Nothing can be written in a snapshot, so [redshift.Describe] does not work, and a
// statement that fails on the remote leaves a session that can only be closed. Closing ends the snapshot too.
func (s *Session) Begin(ctx context.Context) error {
	if err := s.Exec(ctx, redshift.BeginSnapshot); err != nil {
		return fmt.Errorf("begin snapshot on link %s: %w", s.server, err)
	}
	return nil
}

// Commit ends the snapshot that [Session.Begin] started.
func (s *Session) Commit(ctx context.Context) error {
	if err := s.Exec(ctx, redshift.EndSnapshot); err != nil {
		return fmt.Errorf("end snapshot on link %s: %w", s.server, err)
	}
	return nil
}
