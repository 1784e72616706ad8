package infra

// StillRunning says that Redshift was asked to end a statement and has not done so, as far as is known.
type StillRunning struct{ Err error }

// Error says why it is not known to have ended.
func (e *StillRunning) Error() string {
	return "the statement may still run on Redshift: " + e.Err.Error()
}

// Unwrap returns what asking came to.
func (e *StillRunning) Unwrap() error { return e.Err }
