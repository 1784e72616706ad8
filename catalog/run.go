package catalog

import "time"

// RunState is where a run stands. docs/run-states.md draws the transitions.
type RunState string

// The states of a run.
const (
	Running   RunState = "running"
	Succeeded RunState = "succeeded"
	Failed    RunState = "failed"
	Canceled  RunState = "canceled"  // its context ended: a stop, a timeout, Ctrl-C
	Skipped   RunState = "skipped"   // somebody else held the lock
	Abandoned RunState = "abandoned" // its process or connection died; found by the next holder of the lock
)

// Run is one attempt to refresh one view.
type Run struct {
	ID           int64      `json:"id"`
	ViewID       int32      `json:"-"`
	View         Name       `json:"view" db:"-"`
	Strategy     Strategy   `json:"strategy"`
	State        RunState   `json:"state"`
	Whole        bool       `json:"whole"`
	Generation   int32      `json:"generation"`
	Origin       string     `json:"origin"`
	Application  string     `json:"application"`
	PID          *int32     `json:"pid,omitempty" db:"pid"`
	Attempts     int        `json:"attempts"`
	StartedAt    time.Time  `json:"started_at"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`
	AsOf         *time.Time `json:"as_of,omitempty"`
	RowsRead     *int64     `json:"rows_read,omitempty"`
	RowsInserted *int64     `json:"rows_inserted,omitempty"`
	RowsUpdated  *int64     `json:"rows_updated,omitempty"`
	RowsDeleted  *int64     `json:"rows_deleted,omitempty"`
	Watermark    *string    `json:"watermark,omitempty"`
	Holder       *string    `json:"holder,omitempty"`
	Error        *string    `json:"error,omitempty"`
	Hint         *string    `json:"hint,omitempty"`
}

// Took is how long the run lasted; zero while it is running.
func (r Run) Took() time.Duration {
	if r.FinishedAt == nil {
		return 0
	}
	return r.FinishedAt.Sub(r.StartedAt)
}

// State is what is true of a view now.
type State struct {
	Generation   *int32 // the one readers see; nil before the first success
	AsOf         *time.Time
	ReconciledAt *time.Time
	NextDue      *time.Time
	Failures     int
	RowCount     *int64
	Watermark    *string
	Now          time.Time // the database's clock when this was read
}

// Outcome is what a successful run commits together with its rows.
type Outcome struct {
	AsOf         time.Time
	Whole        bool
	RowsRead     int64
	RowsInserted int64
	RowsUpdated  int64
	RowsDeleted  int64
	RowCount     int64
	Watermark    *string // nil leaves the watermark as it is
}

// Status is a view with all that operators ask about it.
type Status struct {
	View      View       `json:"definition"`
	LinkName  string     `json:"link"`
	Rows      *int64     `json:"rows"`
	Bytes     *int64     `json:"bytes"`
	AsOf      *time.Time `json:"as_of"`
	Age       *Seconds   `json:"age_seconds"`
	Stale     bool       `json:"stale"`
	NextDue   *time.Time `json:"next_due"`
	Failures  int        `json:"failures"`
	Watermark *string    `json:"watermark"`
	LastRun   *Run       `json:"last_run"`
}

// Seconds is a duration that is a number of seconds in JSON.
type Seconds float64
