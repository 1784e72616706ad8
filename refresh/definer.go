package refresh

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Definer changes definitions. [Definer.Apply] is its one door: Add, Alter and Drop are Apply with one change.
type Definer struct {
	pool   database
	runner *Runner
	tell   func(Phase)             // of what is waited for; may be nil
	judge  func([]Described) error // of what is applied; may be nil
	keep   time.Duration           // what readers saw before
	builds int                     // at once
	grant  bool                    // to all whom a changed definition names, also to those whom it had named before
}

// NewDefiner returns a Definer that fills views through runner.
func NewDefiner(pool *pgxpool.Pool, runner *Runner) *Definer {
	return &Definer{pool: pool, runner: runner, builds: AtOnce}
}

// AtOnce is how many views a [Definer] builds at once if nobody says otherwise.
const AtOnce = 4

// Building returns a Definer that builds up to so many views at once, of each link no more than it has slots. Each takes
// connections as a refresh does.
func (d *Definer) Building(atOnce int) *Definer {
	building := *d
	building.builds = max(atOnce, 1)
	return &building
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

// Keeping returns a Definer that keeps what readers saw before a change for so long, to go back to: see [Definer.Rollback].
func (d *Definer) Keeping(keep time.Duration) *Definer {
	keeping := *d
	keeping.keep = keep
	return &keeping
}

// Judging returns a Definer that has judge look at what changes come to, and does nothing where that is an error. What it is
// shown is what is applied: where somebody else has changed a view since, it is asked again.
func (d *Definer) Judging(judge func([]Described) error) *Definer {
	judging := *d
	judging.judge = judge
	return &judging
}

// about says what was being done when it concerns no single view.
func (d *Definer) about(ctx context.Context, changes []Change, err error) error {
	if err == nil {
		return nil
	}
	ctx, cancel := recording(ctx)
	defer cancel()
	err = nameHolders(ctx, d.pool, err, namesOf(changes))
	if len(changes) == 1 {
		err = about(changes[0].verb(), changes[0].Name, err)
		if changes[0].Add {
			err = addingInstead(changes[0].Name, err)
		}
		return err
	}
	return fmt.Errorf("change %d views: %w", len(changes), err)
}

func (d *Definer) say(phase Phase) {
	if d.tell != nil {
		d.tell(phase)
	}
}
