package refresh

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/apply"
	"github.com/redcache/redcache/refresh/read"
	"github.com/redcache/redcache/refresh/relation"
)

// job is one refresh, of a view or of a group, over the attempts that it takes.
type job struct {
	runner  *Runner
	req     Request
	stub    catalog.Stub
	number  int
	lastErr error
	members []*viewRun // by view id; none until the runs are in the history
	set     int32      // what it builds for, beside what readers see; zero: it refreshes the views as they are

	link     *catalog.Link           // once the transaction has a slot of it
	since    time.Time               // by the database's clock, before its login and address were read
	repaired map[redshift.Class]bool // what the link has been mended for
	mended   map[int32][]string      // what has been mended of views, by their ids
}

// viewRun is one view of a job, over its attempts, and the run that tells of it.
type viewRun struct {
	view   catalog.View // as read last
	run    catalog.RunKey
	result catalog.Run // of the transaction that committed

	canMerge    bool // with what readers saw before
	first       bool // readers saw none before
	switches    bool // readers saw another generation before, or none
	unpublished bool // and go on to, until old transactions have ended
	frozen      bool // no transaction, however old, sees what was loaded empty, that had not seen it so before
	leftovers   bool // there were generations that nobody needs: a process ended before it could drop them, say
}

func (j *job) member(viewID int32) *viewRun {
	i := slices.IndexFunc(j.members, func(m *viewRun) bool { return m.view.ID == viewID })
	if i < 0 {
		return nil
	}
	return j.members[i]
}

func (j *job) names() (names []catalog.Name) {
	for _, m := range j.members {
		names = append(names, m.view.Name)
	}
	return names
}

// asked is the member that the caller named; nil until its run is in the history.
func (j *job) asked() *viewRun { return j.member(j.stub.ID) }

// runID is that of the run that the caller asked for; zero before there is one.
func (j *job) runID() int64 {
	if asked := j.asked(); asked != nil {
		return asked.run.ID
	}
	return 0
}

func (j *job) tell(phase Phase) {
	if j.req.Progress != nil {
		j.req.Progress(phase)
	}
}

// results is the run of the view that was asked for, with those of the others; a zero Run before there were any.
func (j *job) results() (run catalog.Run) {
	if asked := j.asked(); asked != nil {
		run = asked.result
	}
	for _, m := range j.members {
		if m != j.asked() {
			run.Others = append(run.Others, m.result)
		}
	}
	return run
}

// attempt is one transaction of a job, from the locks to the commit: what is done on a view, or on all views of a group,
// through one session on Redshift.
type attempt struct {
	tx      pgx.Tx
	source  read.Session
	works   []*viewWork   // by view id, the order in which they are locked
	opened  time.Time     // before the remote clock was asked; only where a view has a safety lag
	asOf    time.Time     // every remote commit before this moment is read
	tried   int           // transactions so far, this one included
	set     int32         // what it builds for; zero: it refreshes the views as they are
	slot    int           // of the link that the session has
	patient time.Duration // how long what has no other way than a strong lock waits for readers

	snapshot bool           // all members are read in one
	unready  *NotReadyError // why nothing is read; nil: the source is ready

	remarks []error // for the reason of each run
}

func (a *attempt) remark(why error) { a.remarks = append(a.remarks, why) }

// name says which member of a group failed; the group's refresh is under another's name, perhaps.
func (a *attempt) name(w *viewWork, err error) error {
	if len(a.works) == 1 {
		return err
	}
	return fmt.Errorf("view %s of group %s: %w", w.view.Name, w.view.Group, err)
}

// unchanged says whether every member is proven to be what its source is.
func (a *attempt) unchanged() bool {
	return !slices.ContainsFunc(a.works, func(w *viewWork) bool { return w.proof.unchanged == nil })
}

// timeout is the longest of the members'.
func (a *attempt) timeout() time.Duration {
	longest := slices.MaxFunc(a.works, func(a, b *viewWork) int { return int(a.view.Timeout - b.view.Timeout) })
	return longest.view.Timeout
}

// title names the job in Redshift's query history: by its view, or by its group.
func (a *attempt) title() string {
	if len(a.works) > 1 {
		return "group " + a.works[0].view.Group
	}
	return a.works[0].view.Name.String()
}

// viewWork is what an attempt does on one view: what the catalog said about it after the lock was taken, what is decided by that,
// and what has come of it.
type viewWork struct {
	at                *attempt     // that it is a part of
	view              catalog.View // its generation is the one that this work fills
	state             catalog.State
	columns           []redshift.Column
	strategy          catalog.Strategy
	allowShrink       int  // how many percent of the rows may go
	whole             bool // read everything, whatever the watermark says
	tail              int  // rows past the watermark that recent runs have read, on average
	firstOfDefinition bool // the definition asks for a generation that no run has filled
	newRelation       bool // the generation is made by this work, and is empty at first

	doing     apply.Activity     // what it is at, for whoever explains a failure
	condition relation.Condition // of the view and its generations, when the work began
	lost      bool               // the generation that runs wrote to cannot be used any more

	proof     proof
	frozen    bool // no snapshot, however old, sees the generation empty
	published bool // readers see the generation, at the latest when the transaction has committed
	waited    time.Duration
	outcome   catalog.Outcome
	remarks   []error // for the reason of the run
}

// proof is what is known of a source before it is read.
type proof struct {
	wanted       bool       // the copy may be all right as it is
	wantsContent bool       // the source's content is asked for, in the snapshot in which it is read
	unchanged    *time.Time // every remote commit before this moment is in the copy already
	how          string     // that was found out
	modified     *string    // for the next run to compare with
	content      *string
}

// traits are those of the strategy that works, which may be another one than the definition's, this once.
func (w *viewWork) traits() catalog.Traits {
	t, _ := w.strategy.Traits()
	return t
}

func (w *viewWork) remark(text string) { w.remarkOn(errors.New(text)) }

// remarkOn keeps what somebody else said, which not everybody may read.
func (w *viewWork) remarkOn(err error) { w.remarks = append(w.remarks, err) }

// seen says whether readers saw the generation already before the transaction.
func (w *viewWork) seen() bool {
	return w.state.Generation != nil && *w.state.Generation == w.view.Generation
}

func (w *viewWork) relation() string { return w.view.RelationSQL(w.view.Generation) }

// rowsBefore is how many rows runs of this query have left, in this generation or in the one that it replaces.
func (w *viewWork) rowsBefore() int64 {
	if w.state.RowCount == nil || w.state.Loaded == nil || !w.state.LoadedBy.SameQuery(w.view.Built()) {
		return 0
	}
	return *w.state.RowCount
}

// query is what is read of the view: all, or what a condition on the remote side leaves of it.
func (w *viewWork) query(where string) read.Query {
	q := read.Query{Text: w.view.Query, Inputs: w.view.References, Columns: w.columns, Where: where, NulBytes: w.view.NulBytes}
	if its, _ := w.view.Strategy.Traits(); w.whole && its.Splits {
		q.Split = read.Split{Column: w.view.Split, Type: w.view.SplitType(), Sessions: w.view.Sessions}
	}
	return q
}
