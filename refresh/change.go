package refresh

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// Change is what is to become of one view.
type Change struct {
	Name catalog.Name
	Add  bool // there is no such view yet
	Drop bool // there is to be none any more
	// Define makes of the view's definition what it is to be: of the one in force, or of none. Columns are asked for.
	Define func(*catalog.View) error
	// NoData leaves the rows to the next refresh: readers keep what they have until then.
	NoData bool
}

// adding adds a view as it stands.
func adding(v catalog.View, noData bool) Change {
	return Change{Name: v.Name, Add: true, NoData: noData, Define: func(to *catalog.View) error { *to = v; return nil }}
}

// verb is what is done to the view.
func (c Change) verb() string {
	switch {
	case c.Add:
		return "add view"
	case c.Drop:
		return "drop view"
	}
	return "alter view"
}

// decision is a change, and what it comes to.
type decision struct {
	Change
	before    catalog.Member     // of a view that is there
	after     catalog.View       // of one that is to be there
	columns   []redshift.Column  // that its query returns
	inputs    []catalog.View     // that it is computed from and that stay, as they were when it was decided
	schema    string             // of dblink
	condition relation.Condition // of the view and its generations; of one that is there
	rebuilds  bool               // it needs rows that are not there
	asOf      *time.Time         // of the rows that it is to show, where readers go back
	along     bool               // nobody has asked for it: others of its group get new rows, and all have to be of one moment
}

// builds says whether readers see another generation once the change has taken effect.
func (c decision) builds() bool { return c.rebuilds && (!c.NoData || c.after.Rowless()) }

// fills says whether rows are read for that first.
func (c decision) fills() bool { return c.builds() && !c.after.Rowless() }

// reshapes says whether what is computed from the view has to fit something else, or nothing.
func (c decision) reshapes() bool {
	return !c.Add && (c.Drop || !slices.Equal(c.after.Columns, c.before.View.Columns))
}

// id is that of a view that is there.
func (c decision) id() int32 { return c.before.View.ID }

// about says what was being done to which view.
func (c decision) about(err error) error { return about(c.verb(), c.Name, err) }

// Described is what a change comes to: the view as it is and as it is to be, each with its columns.
type Described struct {
	Name     catalog.Name
	Before   *catalog.View // nil: it is added
	After    *catalog.View // nil: it is dropped
	Rebuilds bool          // other rows are needed
}

// described is what decisions come to.
func described(decisions []decision) (all []Described) {
	for _, c := range decisions {
		d := Described{Name: c.Name, Before: &c.before.View, After: &c.after, Rebuilds: c.rebuilds}
		if c.Add {
			d.Before = nil
		}
		if c.Drop {
			d.After = nil
		}
		all = append(all, d)
	}
	return all
}

func namesOf(changes []Change) (names []catalog.Name) {
	for _, c := range changes {
		names = append(names, c.Name)
	}
	return names
}

// checkNames refuses changes that name one view twice.
func checkNames(changes []Change) error {
	for i, c := range changes {
		if slices.ContainsFunc(changes[:i], func(other Change) bool { return other.Name == c.Name }) {
			return &catalog.InvalidError{What: "view " + c.Name.String(), Problem: "it is to be changed twice at once"}
		}
		if c.Add && c.Drop || (c.Define == nil) != c.Drop {
			return errors.New("a change adds or alters a view, or drops it")
		}
	}
	return nil
}

// restate is what is true of a view whose definition has changed. What only says when, how and for whom it is refreshed
// neither makes a refresh due nor voids what is proven of the copy; but what has failed, or waits for its source, may be mended by
// any change.
func restate(before, after catalog.View, s catalog.State) catalog.State {
	if after.Watermark != "" && (before.Lookback != after.Lookback || before.SafetyLag != after.SafetyLag) {
		s.Modified, s.Content = nil, nil // rows that were not read may be wanted now
	}
	if !slices.Equal(before.Checks, after.Checks) {
		s.Modified, s.Content = nil, nil // the rows that are there have not been held against them
	}
	now := s.Now
	switch {
	case after.RefreshEvery == 0:
		s.NextDue = nil
	case before.Generation != after.Generation, s.Failures > 0, s.UnreadySince != nil:
		s.NextDue = &now
	case before.RefreshEvery != after.RefreshEvery:
		due := lastStart(before, s).Add(after.RefreshEvery)
		s.NextDue = &due
	}
	s.Failures = 0
	if before.ReadyWhen != after.ReadyWhen {
		s.UnreadySince = nil
	}
	return s
}

// lastStart is when the copy was last refreshed: by the schedule that it was on, or else by its age. It is never in the
// future, whatever clocks have said.
func lastStart(v catalog.View, s catalog.State) time.Time {
	var start time.Time
	switch {
	case v.RefreshEvery > 0 && s.NextDue != nil:
		start = s.NextDue.Add(-v.RefreshEvery)
	case s.AsOf != nil:
		start = *s.AsOf
	}
	if start.After(s.Now) {
		return s.Now
	}
	return start
}

// stateOf reads a view, whose state may be gone.
func stateOf(ctx context.Context, tx pgx.Tx, name catalog.Name) (m catalog.Member, err error) {
	store := catalog.In(tx)
	if m.View, m.State, err = store.ViewAndState(ctx, name); err != nil || !m.State.Lost {
		return m, err
	}
	if _, err = store.RestoreStates(ctx); err == nil {
		m.View, m.State, err = store.ViewAndState(ctx, name)
	}
	return m, err
}
