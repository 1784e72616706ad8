package redshift

import "github.com/redcache/redcache/infra"

// explainedError is a failure in words for humans.
type explainedError struct {
	doing, what string
	err         error
}

func (e *explainedError) Error() string { return e.doing + ": " + e.what }
func (e *explainedError) Unwrap() error { return e.err }

// Public is the text without values of rows, see [Public].
func (e *explainedError) Public() string { return e.doing + ": " + PublicCause(e.err) }

// Explained says what a failure on the way to the remote side and back means, on which side it arose, what was being
// done, and in a hint what to do next.
func Explained(err error, doing string) error {
	what, hint := Explain(err)
	return infra.Hinted(&explainedError{doing, what, err}, hint)
}
