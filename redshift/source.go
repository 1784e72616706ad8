package redshift

import "context"

// Source is a session on Redshift, of whatever kind, that small questions can be asked.
type Source interface {
	// Rows runs a statement and returns its few small rows of n values as text, nil for NULL. It fails when the rows
	// have another number of values; after that the session can still be used.
	Rows(ctx context.Context, sql string, n int) ([][]*string, error)
}

// Describer is a session that can also be told to do something.
type Describer interface {
	Source
	// Exec runs statements that return no rows.
	Exec(ctx context.Context, sql string) error
	// Guarded runs fn, and can still be used when it fails.
	Guarded(ctx context.Context, fn func() error) error
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
