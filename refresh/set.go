package refresh

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

// set is decisions that take effect together, once all is built that they need.
type set struct {
	*Definer
	id        int32
	decisions []decision
	units     []unit
	runs      []catalog.Run // one for each unit; of what failed only those that there are
	took      time.Duration // that all was built in
}

// unit is what is built in one transaction: a view, or all views of a group.
type unit struct {
	asked catalog.Name // somebody has asked for its change
	stub  catalog.Stub
	link  catalog.Link // that it is read through; none of what is computed here
	reads []int        // the units before it that it is computed from, or held against
	tail  bool         // it can be caught up by reading what is new

	stage  stage
	run    catalog.Run   // that has built it
	frozen bool          // no transaction, however old, sees anything of it empty
	took   time.Duration // that it was built in
}

// stage is how far the build of a unit is.
type stage int

const (
	waits stage = iota
	begun
	built
)

// add adds a view to what is built in one transaction.
func (u *unit) add(c decision) {
	if u.asked == (catalog.Name{}) || !c.along && u.stub.ID == 0 {
		u.asked = c.Name
	}
	if !c.along && u.stub.ID == 0 {
		u.stub.ID = c.after.ID
	}
	its, _ := c.after.Strategy.Traits()
	u.tail = its.Watermark && u.stub.Members == nil // a group is built as one
	u.link = c.after.Link
	u.stub.Timeout = max(u.stub.Timeout, c.after.Timeout)
	u.stub.Members = append(u.stub.Members, c.after.ID)
	slices.Sort(u.stub.Members)
}

func (s *set) changes() (changes []Change) {
	for _, c := range s.decisions {
		if !c.along {
			changes = append(changes, c.Change)
		}
	}
	return changes
}

// begin stores what is to be built, if anything is. Nobody but this process makes anything of it until it takes effect.
func (d *Definer) begin(ctx context.Context, tx pgx.Tx, decisions []decision) (*set, error) {
	s := &set{Definer: d, decisions: decisions}
	if !slices.ContainsFunc(decisions, decision.builds) {
		return s, nil
	}
	s.decisions = nil
	var err error
	if s.id, err = catalog.In(tx).BeginSet(ctx, d.noted(decisions)); err != nil {
		return nil, err
	}
	groups := map[string]int{}
	for _, c := range decisions {
		if c.builds() {
			if c.after, err = catalog.In(tx).Prepare(ctx, s.id, c.after); err != nil {
				return nil, c.about(err)
			}
			noteStored(tx, c, storeStep)
		}
		if c.fills() {
			at, known := groups[c.after.Group]
			if !known || c.after.Group == "" {
				at = len(s.units)
				groups[c.after.Group] = at
				s.units = append(s.units, unit{})
			}
			s.units[at].add(c)
		}
		s.decisions = append(s.decisions, c)
	}
	for i := range s.units {
		s.units[i].reads = s.readBy(i)
	}
	return s, nil
}

// readBy are the units before one that it is computed from, or held against, through views without rows perhaps.
func (s *set) readBy(reader int) (units []int) {
	var follow func(c decision)
	follow = func(c decision) {
		for _, input := range s.decisions {
			if !slices.Contains(c.after.Inputs(), input.Name) && (input.Name == c.Name || !slices.Contains(c.after.Referred(), input.Name)) {
				continue
			}
			at := slices.IndexFunc(s.units, func(u unit) bool { return slices.Contains(u.stub.Members, input.after.ID) })
			switch {
			case at < 0:
				follow(input)
			case at < reader && !slices.Contains(units, at):
				units = append(units, at)
			}
		}
	}
	for _, c := range s.decisions {
		if slices.Contains(s.units[reader].stub.Members, c.after.ID) {
			follow(c)
		}
	}
	return units
}

// noted is what a set that is begun has to know for the case that readers go back.
func (d *Definer) noted(decisions []decision) (n catalog.NewSet) {
	if d.keep <= 0 {
		return n
	}
	n.Keep = d.keep
	for _, c := range decisions {
		u := catalog.Undo{Name: c.Name, What: catalog.UndoRedefine, Definition: &c.before.View.Definition}
		switch {
		case c.Add:
			u.What, u.Definition = catalog.UndoDrop, nil
		case c.Drop:
			u.What, u.Definition = catalog.UndoNothing, nil
		case c.builds():
			u.What, u.Definition = catalog.UndoPoint, nil
		}
		n.Undo = append(n.Undo, u)
	}
	return n
}
