package redshift

import (
	"context"
	"errors"
	"fmt"
)

// Source is a session on Redshift, of whatever kind, that small questions can be asked.
type Source interface {
	// Rows runs a statement and returns its few small rows of n values as text, nil for NULL. It fails when the rows
	// have another number of values, see [OtherWidth]; after that the session can still be used.
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

// WidthError says that rows have another number of values than were asked for.
type WidthError struct{ Got, Want int }

// Error implements error.
func (e *WidthError) Error() string {
	return fmt.Sprintf("query returns %d columns, want %d", e.Got, e.Want)
}

// OtherWidth tells whether [Source.Rows] has failed since the rows have another number of values than were asked for.
func OtherWidth(err error) bool { return errors.As(err, new(*WidthError)) || OtherShape(err) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
