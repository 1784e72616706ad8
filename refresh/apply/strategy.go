package apply

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/refresh/relation"
)

// Strategy is what a strategy does. One that chooses does nothing else.
type Strategy struct {
	// Fill reads, and writes into the generation. What it runs inside of savepoints of its own, it takes back itself.
	Fill func(ctx context.Context, tx pgx.Tx, t Target) (Filled, error)
	// Plan is the statements by which Fill would do so, and reads nothing.
	Plan func(ctx context.Context, tx pgx.Tx, t Target) ([]relation.Step, error)
	// Choose names another strategy that works instead, and says why.
	Choose func(v catalog.View, s catalog.State, h catalog.Habits, redefined bool) (instead catalog.Strategy, why string)
}

// Strategies are all of them. What each is like, for the rest of the program, says [catalog.Table].
var Strategies = map[catalog.Strategy]Strategy{
	catalog.Nonconcurrent: {Fill: nonconcurrent, Plan: planNonconcurrent},
	catalog.Concurrent:    {Fill: concurrent, Plan: planConcurrent},
	catalog.Incremental:   {Fill: incremental, Plan: planIncremental},
	catalog.Swap:          {Fill: swap, Plan: planSwap},
	catalog.Merge:         {Fill: merge, Plan: planMerge},
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

// Plan returns the statements by which a strategy would fill its target.
func Plan(ctx context.Context, tx pgx.Tx, s catalog.Strategy, t Target) ([]relation.Step, error) {
	if err := check(s, t); err != nil {
		return nil, err
	}
	return Strategies[s].Plan(ctx, tx, t)
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
