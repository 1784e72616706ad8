package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
)

// Strategy is what a strategy does. One that chooses does nothing else.
type Strategy struct {
	// Fill reads, and writes into the generation. What it runs inside of savepoints of its own, it takes back itself. A
	// rehearsal runs it, too: what works on rows is a step that says so ([plan.Step.Live]), and brings none then.
	Fill func(ctx context.Context, tx pgx.Tx, t Target) (Filled, error)
	// Choose names another strategy that works instead, and says why.
	Choose func(v catalog.View, s catalog.State, h catalog.Habits, redefined bool) (instead catalog.Strategy, why string)
}

// Strategies are all that keep rows. What each is like, for the rest of the program, says [catalog.Table].
var Strategies = map[catalog.Strategy]Strategy{
	catalog.Nonconcurrent: {Fill: nonconcurrent},
	catalog.Concurrent:    {Fill: concurrent},
	catalog.Incremental:   {Fill: incremental},
	catalog.Swap:          {Fill: swap},
	catalog.Merge:         {Fill: merge},
	catalog.Auto:          {Choose: auto},
}

// Fill has a strategy fill its target. One that does not exist is an error, and none that makes a generation each time
// writes into one that is there.
func Fill(ctx context.Context, tx pgx.Tx, s catalog.Strategy, t Target) (Filled, error) {
	if err := check(s, t); err != nil {
		return Filled{}, err
	}
	return Strategies[s].Fill(ctx, tx, t)
}

func check(s catalog.Strategy, t Target) error {
	switch its, known := s.Traits(); {
	case !known || Strategies[s].Fill == nil:
		return fmt.Errorf("strategy %q fills nothing", s)
	case its.Anew && !t.Fresh:
		return fmt.Errorf("strategy %s makes a generation each time, and %s is there", s, t.Relation)
	}
	return nil
}
