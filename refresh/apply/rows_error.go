package apply

import (
	"strings"

	"github.com/redcache/redcache/infra"
)

// RepeatedKeyHint is what can be done about a key that identifies several rows.
const RepeatedKeyHint = "Redshift does not enforce keys. Remove the duplicates in the query, for instance with ROW_NUMBER(), " +
	"choose another key, or use strategy incremental, which keeps the row with the latest watermark."

// RowsError is about rows of the source, of which it shows some to those who may see them.
type RowsError struct {
	Problem  string
	Examples []string
	Err      error // may be nil
}

// Error says what is wrong with which rows.
func (e *RowsError) Error() string {
	text := e.Problem
	if len(e.Examples) > 0 {
		text += ", for instance " + infra.Bounded(strings.Join(e.Examples, "; "))
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns what the server said.
func (e *RowsError) Unwrap() error { return e.Err }

// Public leaves the rows out.
func (e *RowsError) Public() string { return e.Problem }
