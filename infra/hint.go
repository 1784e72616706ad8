package infra

import "errors"

// HintError carries what the user can do about an error, beside the error itself. [Hinted] makes it, [Hint] reads it.
type HintError struct {
	Err  error
	Text string // one or more full sentences
}

// Error is the error's own text; the hint is for whoever prints it below.
func (e *HintError) Error() string { return e.Err.Error() }

// Unwrap returns the error itself.
func (e *HintError) Unwrap() error { return e.Err }

// Hint is what the user can do about it.
func (e *HintError) Hint() string { return e.Text }

// hinter is an error that knows what the user can do about it.
type hinter interface {
	error
	Hint() string
}

// Hinted adds a hint for the user to an error. It returns nil for nil, and err itself when there is no hint.
func Hinted(err error, hint string) error {
	if err == nil || hint == "" {
		return err
	}
	return &HintError{Err: err, Text: hint}
}

// Hint returns the outermost hint that err carries, in a HintError or by a method of its own, or "". Outer layers know
// more about what the user was doing. A server's hint is none: it is not ours to give.
func Hint(err error) string {
	if hinted, ok := errors.AsType[hinter](err); ok {
		return BoundedMessage(hinted.Hint())
	}
	return ""
}
