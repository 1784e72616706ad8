package plan

// Step is one statement: what it is for, its text, and what it means for others.
type Step struct {
	Title   string
	SQL     string
	Lock    Lock     // the strongest one on what others use; empty: none, or on what nobody sees yet
	Hazards []Hazard // what is at risk
	Notes   []string // what is to be known of it
	// Live says that it works on rows, or that others would have to wait for it. A rehearsal does not send it.
	Live bool
}

// Lock is the mode of a lock on a relation, as PostgreSQL's documentation calls it.
type Lock string

// The locks that steps take on what others use.
const (
	AccessShare          Lock = "ACCESS SHARE"           // who reads
	RowExclusive         Lock = "ROW EXCLUSIVE"          // who changes rows; nobody who reads waits
	ShareUpdateExclusive Lock = "SHARE UPDATE EXCLUSIVE" // who gathers statistics
	Exclusive            Lock = "EXCLUSIVE"              // nobody but readers
	AccessExclusive      Lock = "ACCESS EXCLUSIVE"       // nobody
)

// Hazard is what a step puts at risk.
type Hazard string

// The hazards.
const (
	Rebuild     Hazard = "rebuild"      // a new generation is made, for which everything is read again
	Rewrite     Hazard = "rewrite"      // all rows that readers see are written anew
	ReadersWait Hazard = "readers_wait" // readers queue behind the lock
)

// hazards are what hazards mean, in a few words.
var hazards = map[Hazard]string{
	Rebuild: "everything is read again", Rewrite: "all rows are written anew", ReadersWait: "readers wait for it",
}

// Told is the hazard in words.
func (h Hazard) Told() string { return hazards[h] }

// Exclusively has a step say that it locks out the readers of what they see.
func Exclusively(step Step) Step {
	step.Lock, step.Hazards = AccessExclusive, []Hazard{ReadersWait}
	return step
}

// StepError says which step failed.
type StepError struct {
	Title string
	Err   error
}

func (e *StepError) Error() string { return e.Title + ": " + e.Err.Error() }

func (e *StepError) Unwrap() error { return e.Err }
