package refresh

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// describe holds each change against the definition in force, and asks Redshift what its query returns. No lock is held
// meanwhile: refreshes go on.
func (d *Definer) describe(ctx context.Context, tx pgx.Tx, changes []Change) ([]decision, error) {
	decisions := make([]decision, len(changes))
	for i, c := range changes {
		var err error
		if decisions[i], err = define(ctx, tx, c); err != nil {
			return nil, decisions[i].about(err)
		}
	}
	decisions, err := inOrder(ctx, tx, decisions)
	if err != nil {
		return nil, err
	}
	if err := d.describeEach(ctx, tx, decisions); err != nil {
		return nil, err
	}
	if err := checkReaders(ctx, tx, decisions); err != nil {
		return nil, err
	}
	if decisions, err = withRowless(ctx, tx, decisions); err != nil {
		return nil, err
	}
	return withGroups(ctx, tx, decisions)
}

// define makes of a change what the view is to be, as far as its text says so.
func define(ctx context.Context, tx pgx.Tx, change Change) (c decision, err error) {
	c.Change = change
	if !c.Add {
		if c.before, err = stateOf(ctx, tx, c.Name); err != nil || c.Drop {
			return c, err
		}
		if c.after = c.before.View; c.after.Unreadable != nil { // what could not be read would be lost
			return c, c.after.Unreadable
		}
	}
	if err := c.Define(&c.after); err != nil {
		return c, err
	}
	if c.after.Query, err = redshift.ReadQuery(c.after.Query); err != nil {
		return c, err
	}
	if c.after.Kind == catalog.LocalSource {
		err = refer(&c.after.Source)
	}
	return c, err
}

// describeEach asks of each decision what its query returns. What is refused keeps only those from being asked that read it.
func (d *Definer) describeEach(ctx context.Context, tx pgx.Tx, decisions []decision) error {
	var refused RefusedError
	for i := range decisions {
		c := &decisions[i]
		if refused.stops(*c) {
			continue
		}
		if err := d.describeOne(ctx, tx, c, decisions[:i]); err != nil && !refused.takes(*c, err) {
			return c.about(err)
		}
	}
	if refused.Queries == nil {
		return nil
	}
	return &refused
}

// describeOne asks the server that runs it what the query of a decision returns; before are those that come before it.
func (d *Definer) describeOne(ctx context.Context, tx pgx.Tx, c *decision, before []decision) (err error) {
	switch {
	case c.Drop:
		return nil
	case c.after.Kind == catalog.LocalSource:
		c.after.Link = catalog.Link{}
		if err = c.after.Check(); err == nil { // before anything is asked: it may say how Redshift is read
			err = analyse(ctx, tx, c, before)
		}
		if err == nil && c.after.Rowless() {
			err = c.checkShown(ctx, tx, before)
		}
	case c.after.LinkName == "":
		return &catalog.InvalidError{
			Problem: "its source is on Redshift, and nothing says through which link",
			Fix:     "name one with --link, `cachectl link list` shows them; or let it read other views of the cache: --source cache",
		}
	default:
		if c.after.Link, err = catalog.In(tx).Link(ctx, c.after.LinkName); err == nil {
			c.columns, c.schema, err = d.runner.describe(ctx, tx, &c.after)
			err = keptHere(ctx, tx, c.after.Query, err)
		}
	}
	if err != nil {
		return err
	}
	c.rebuilds = c.Add || c.before.View.Built().Rebuilds(c.after.Built()) || slices.ContainsFunc(before, func(input decision) bool {
		return input.builds() && slices.Contains(c.after.Inputs(), input.Name)
	})
	if err := c.after.Validate(); err != nil {
		return err
	}
	return analyseRules(ctx, tx, c, before)
}

// withGroups adds the views that nobody has asked for, and which get new rows all the same: the others of a group of which
// one does, since all have to be of one moment.
func withGroups(ctx context.Context, tx pgx.Tx, decisions []decision) ([]decision, error) {
	for _, c := range decisions {
		if !c.builds() || c.after.Group == "" {
			continue
		}
		members, err := catalog.In(tx).GroupMembers(ctx, c.after.Group)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			if slices.ContainsFunc(decisions, func(other decision) bool { return other.Name == m.View.Name }) {
				continue
			}
			if err := m.View.CheckStored(); err != nil {
				return nil, err
			}
			other := decision{Change: Change{Name: m.View.Name}, before: m, after: m.View, rebuilds: true, along: true}
			if other.columns, err = m.View.DescribedColumns(); err != nil {
				return nil, err
			}
			other.schema = c.schema
			decisions = append(decisions, other)
		}
	}
	// Those whose own change needs no other rows, but whose group gets some.
	for i, c := range decisions {
		decisions[i].rebuilds = c.rebuilds || !c.Add && !c.Drop && c.after.Group != "" &&
			slices.ContainsFunc(decisions, func(other decision) bool { return other.builds() && other.after.Group == c.after.Group })
	}
	return decisions, nil
}

// describe asks the remote side what the view's query returns, and writes it into the view.
func (r *Runner) describe(ctx context.Context, tx pgx.Tx, v *catalog.View) (columns []redshift.Column, schema string, err error) {
	remote, err := r.cfg.Links.Open(ctx, tx, v.Link, redshift.Settings{
		QueryGroup: "redcache describe " + v.Name.String(), StatementTimeout: v.Timeout,
	})
	if err != nil {
		return nil, "", redshift.Explained(err, "connect through link "+v.Link.Name)
	}
	// In a savepoint, so that the session can be closed also after a failure, and when ctx has ended: it would stay with the
	// backend otherwise.
	asked, doing, condition := v.Query, "describe the query", false
	err = infra.InSavepoint(ctx, tx, func(pgx.Tx) error {
		if columns, err = redshift.Describe(ctx, remote, v.Query); err != nil || v.ReadyWhen == "" {
			return err
		}
		asked, doing, condition = v.ReadyWhen, "describe the condition of --ready-when", true
		return redshift.DescribeCondition(ctx, remote, v.ReadyWhen)
	})
	if err != nil && (refusedBy(redshift.There, err) || redshift.ServerCode(err, redshift.There) == "" && infra.Hint(err) != "") {
		err = &placedError{redshift.PlaceOf(asked, remote.Complaint(ctx)), condition, err}
	}
	closing := remote.Close(ctx)
	if err != nil {
		return nil, "", redshift.Explained(err, doing+" through link "+v.Link.Name)
	}
	if closing != nil {
		return nil, "", closing
	}
	if v.Columns, err = settle(v.Columns, columns); err != nil {
		return nil, "", err
	}
	if v.Watermark != "" && v.Lookback == "" {
		v.Lookback = v.DefaultLookback()
	}
	return columns, remote.Schema(), nil
}

// settle decides what a view keeps of its columns' types: no length of a text, unless the view has the length already that
// Redshift still tells. Then it need not be made again, with whatever depends on it, for a limit that nobody asks to lift.
func settle(stored []catalog.Column, columns []redshift.Column) (settled []catalog.Column, err error) {
	for i, c := range columns {
		typ := redshift.Unsized(c.RemoteType)
		if i < len(stored) && stored[i].Name == c.Name && stored[i].Type == c.RemoteType {
			typ = c.RemoteType
		}
		if columns[i].Type, err = redshift.Map(typ); err != nil {
			return nil, err
		}
		settled = append(settled, catalog.Column{Name: c.Name, Type: typ, Local: columns[i].Type.Local})
	}
	return settled, nil
}
