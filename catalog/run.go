package catalog

import "time"

// RunState is where a run stands. docs/run-states.md draws the transitions.
type RunState string

// The states of a run.
const (
	Running   RunState = "running"
	Succeeded RunState = "succeeded"
	Unchanged RunState = "unchanged" // the source was proven to be what the copy is; nothing was read
	Failed    RunState = "failed"
	Canceled  RunState = "canceled"  // its caller stopped it: a worker's stop, Ctrl-C
	Skipped   RunState = "skipped"   // somebody else held the lock; or nobody did, and the source was not ready
	Abandoned RunState = "abandoned" // its process or connection died; found by the next holder of the lock
)

// RunKey names a run for good. Its number alone may come again: a failover that loses the last commits, and a restore,
// set the sequence of numbers back, while the process of a run that is lost lives on.
type RunKey struct {
	ID        int64
	StartedAt time.Time
}

// Run is one attempt to refresh one view.
type Run struct {
	ID           int64
	ViewID       int32
	View         Name `db:"-"`
	Strategy     Strategy
	State        RunState
	Whole        bool
	Generation   int32
	Origin       string
	Application  string
	PID          *int32 `db:"pid"`
	Attempts     int
	StartedAt    time.Time
	FinishedAt   *time.Time
	AsOf         *time.Time
	RowsRead     *int64
	RowsInserted *int64
	RowsUpdated  *int64
	RowsDeleted  *int64
	Watermark    *string
	Holder       *string // of the lock, where the run was skipped for that
	Error        *string // may have values of rows
	PublicError  *string // has none, see [redshift.Public]
	Hint         *string
	Waited       *time.Duration // how long the switch to a new generation waited for readers
	BytesRead    *int64         // through the process that refreshed; nil when rows went straight to PostgreSQL
	Transport    *Transport
	PublicReason string  `db:"-"` // the reason, without values of rows; of a run that was just made
	Reason       *string // why this strategy and this transport, and what else was out of the ordinary
	Others       []Run   `db:"-"` // of the views that were refreshed together with it; not in the history
	Note         string  `db:"-"` // what a successful refresh leaves to be known; not in the history
}

// Unready says whether the run was skipped since the source was not ready.
func (r Run) Unready() bool { return r.State == Skipped && r.Holder == nil }

// Key names the run.
func (r Run) Key() RunKey { return RunKey{r.ID, r.StartedAt} }

// Took is how long the run lasted; zero while it is running, and when the clock was set back meanwhile.
func (r Run) Took() time.Duration {
	if r.FinishedAt == nil {
		return 0
	}
	return max(r.FinishedAt.Sub(r.StartedAt), 0)
}

// State is what is true of a view now.
type State struct {
	Generation   *int32 // the one that readers see; nil before the first success
	SeenBy       Built  // what it was built by
	Loaded       *int32 // the one that runs write to
	LoadedBy     Built
	Highest      int32 // of the generations, whatever has become of them
	AsOf         *time.Time
	ReconciledAt *time.Time
	NextDue      *time.Time
	Failures     int
	UnreadySince *time.Time // since when each run has found the source not ready; nil: the last one that asked has not
	RowCount     *int64
	Watermark    *string
	Modified     *string   // what [redshift.LastModified] said before the last read
	Content      *string   // what [redshift.Fingerprint] said of what was read last
	Now          time.Time // the database's clock when this was read
	Lost         bool      // there is none, see [Store.RestoreStates]
	Backend      int       // the process id of the server's that read this; what a pooler says at login is none
}

// Due says whether it is time for a refresh; a local view may have to wait for its inputs then, see [Store.Awaits].
func (s State) Due() bool { return s.NextDue != nil && !s.NextDue.After(s.Now) }

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

	Strategy   Strategy // the one that was followed in the end
	Generation int32    // what runs write to from now on
	Set        int32    // what the generation is built for, which takes effect later; zero: the view as it is
	Published  bool     // readers see that generation from now on
	Attempts   int
	Transport  Transport
	BytesRead  *int64
	Waited     *time.Duration
	Reason     string
	Modified   *string
	Content    *string
}

// Succeeds says whether a run left the copy as fresh as it says.
func (s RunState) Succeeds() bool { return s == Succeeded || s == Unchanged }

// Status is a view with all that operators ask about it.
type Status struct {
	View       View
	Generation *int32 // the one that readers see
	Rows       *int64
	Bytes      *int64
	AsOf       *time.Time
	Age        *time.Duration
	Stale      bool
	NextDue    *time.Time
	Failures   int
	Unready    *time.Time // since when each run has found the source not ready; nil: the last one that asked has not
	Watermark  *string
	Awaited    []string    // inputs for which it waits: its time has come, and they have not reached its label
	Problem    string      // what others have done to the published view; empty: nothing
	Misled     string      // why a published view that keeps no rows does not show what is refreshed, though it stands; empty: it does
	LastRun    *Run        // the last one that has ended
	Running    *Run        // the one that says it is under way; its process may be gone, which the view's lock tells
	Changing   *PendingSet // that makes another definition of it, and is under way; usually nil
}
