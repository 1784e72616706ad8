package relation

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/plan"
)

// What the engine does is steps of a plan.
type (
	Step      = plan.Step
	StepError = plan.StepError
	Lock      = plan.Lock
	Hazard    = plan.Hazard
	Rehearsal = plan.Rehearsal
)

// The locks and the hazards that its steps have.
const (
	AccessShare          = plan.AccessShare
	RowExclusive         = plan.RowExclusive
	ShareUpdateExclusive = plan.ShareUpdateExclusive
	Exclusive            = plan.Exclusive
	AccessExclusive      = plan.AccessExclusive

	Rebuild     = plan.Rebuild
	Rewrite     = plan.Rewrite
	ReadersWait = plan.ReadersWait
)

// NewRehearsal is [plan.NewRehearsal].
func NewRehearsal(tx pgx.Tx) *Rehearsal { return plan.NewRehearsal(tx) }

// Rehearses is [plan.Rehearses].
func Rehearses(tx pgx.Tx) bool { return plan.Rehearses(tx) }

// Sends is [plan.Sends].
func Sends(tx pgx.Tx, step Step) bool { return plan.Sends(tx, step) }

// RunSteps is [plan.Run].
func RunSteps(ctx context.Context, tx pgx.Tx, steps []Step) error { return plan.Run(ctx, tx, steps) }
