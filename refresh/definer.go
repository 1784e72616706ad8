package refresh

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
)

// changePatience is how long a change of a definition waits for a refresh of the view to end.
const changePatience = 30 * time.Second

// Definer changes definitions. [Definer.Apply] is its one door: Add, Alter and Drop are Apply with one change.
type Definer struct {
	pool   database
	runner *Runner
	tell   func(Phase) // of what is waited for; may be nil
	grant  bool        // to all whom a changed definition names, also to those whom it had named before
}

// NewDefiner returns a Definer that fills views through runner.
func NewDefiner(pool *pgxpool.Pool, runner *Runner) *Definer {
	return &Definer{pool: pool, runner: runner}
}

// Telling returns a Definer that tells what a change is at, and whom it waits for.
func (d *Definer) Telling(progress func(Phase)) *Definer {
	told := *d
	told.tell = progress
	return &told
}

// Granting returns a Definer that grants what a changed definition says to all whom it names. Another leaves those alone
// whom it had named before, and from whom somebody may have revoked it.
func (d *Definer) Granting() *Definer {
	granting := *d
	granting.grant = true
	return &granting
}

// Add adds a view, and fills it unless noData. An error means that nothing has changed. The view has no columns yet, and a
// link.
func (d *Definer) Add(ctx context.Context, v catalog.View, noData bool, progress func(Phase)) (catalog.Run, error) {
	return d.one(ctx, adding(v, noData), progress)
}

// Alter replaces a view's definition by the one that change makes of it. What only says when and for whom the view is
// refreshed takes effect at once. Anything else asks for another generation, which, unless noData, is built beside the one
// that readers see, and published when it is there. An error means that nothing has changed.
func (d *Definer) Alter(
	ctx context.Context, name catalog.Name, change func(*catalog.View) error, noData bool, progress func(Phase),
) (catalog.Run, error) {
	return d.one(ctx, Change{Name: name, Define: change, NoData: noData}, progress)
}

// Drop removes a view, its generations, its definition and its history. It fails when other objects depend on the
// view, and names them.
func (d *Definer) Drop(ctx context.Context, name catalog.Name) error {
	_, err := d.one(ctx, Change{Name: name, Drop: true}, d.tell)
	return err
}

// one applies a single change, and returns the run that filled the view, if one did.
func (d *Definer) one(ctx context.Context, c Change, progress func(Phase)) (catalog.Run, error) {
	runs, err := d.Telling(progress).Apply(ctx, []Change{c})
	if len(runs) == 0 {
		return catalog.Run{}, err
	}
	return runs[0], err
}

// Apply makes all changes, or none: they are rehearsed together, whatever needs other rows is built beside what readers
// see, and then all takes effect in one moment. It returns the runs that have built something, one for each view or group.
//
// Until that moment nothing has changed, whatever happens to this process: what it leaves behind nobody sees, and the next
// clean-up removes it. After an error nothing has changed either. One exception: where a single view, or a single group, is
// built and readers leave no moment for the switch, its definition takes effect all the same, and the next refresh shows
// them the rows; the run's note says so.
func (d *Definer) Apply(ctx context.Context, changes []Change) ([]catalog.Run, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	set, err := d.decide(ctx, changes)
	if err != nil || set == nil {
		return nil, d.about(ctx, changes, err)
	}
	return set.make(ctx)
}
