package dblink

import (
	"context"
	"fmt"
)

// What starts and ends a snapshot: a transaction whose statements all see the same data. Redshift has one isolation for
// all levels and takes every name; PostgreSQL needs this one. Some clusters take the snapshot at BEGIN, others at the
// first statement that reads a table, so what the remote's clock said before BEGIN is never later than the snapshot.
const (
	BeginSnapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
	EndSnapshot   = "COMMIT"
)

// Begin starts a snapshot: all that is read on this session until [Session.Commit] is from one moment. Otherwise each
// statement has a moment of its own. Nothing can be written in a snapshot, so [Session.Describe] does not work, and a
// statement that fails on the remote leaves a session that can only be closed. Closing ends the snapshot too.
func (s *Session) Begin(ctx context.Context) error {
	if err := s.exec(ctx, BeginSnapshot); err != nil {
		return fmt.Errorf("begin snapshot on link %s: %w", s.server, err)
	}
	return nil
}

// Commit ends the snapshot that [Session.Begin] started.
func (s *Session) Commit(ctx context.Context) error {
	if err := s.exec(ctx, EndSnapshot); err != nil {
		return fmt.Errorf("end snapshot on link %s: %w", s.server, err)
	}
	return nil
}
