package dblink

import "context"

// Source is a session on Redshift, of whatever kind, that small questions can be asked.
type Source interface {
	// Rows runs a statement and returns its few small rows of n values as text, nil for NULL. It fails when the rows
	// have another number of values; after that the session can still be used.
	Rows(ctx context.Context, sql string, n int) ([][]*string, error)
}
