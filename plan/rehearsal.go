package plan

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
)

// Rehearsal stands for a database in which nothing is to stay. Each transaction of it is a savepoint of one that its owner
// rolls back, so that code which takes several, one after the other or one beside the other, runs in it as it is. It notes
// the steps that are run, in their order; those of a transaction or a savepoint that is rolled back are forgotten.
//
// A step that is [Step.Live] is noted and not sent.
type Rehearsal struct {
	infra.DB
	tx    pgx.Tx
	steps []Step
}

// errRehearsed rolls back what was only to show what would happen.
var errRehearsed = errors.New("rehearsed")

// Rehearse has fn run in one transaction that is rolled back, whatever transactions it takes, and returns the steps that
// would have stayed.
func Rehearse(ctx context.Context, b infra.Beginner, limits infra.Limits, fn func(r *Rehearsal) error) (steps []Step, err error) {
	err = infra.InTx(ctx, b, limits, func(tx pgx.Tx) error {
		r := NewRehearsal(tx)
		if err := fn(r); err != nil {
			return err
		}
		steps = r.Steps()
		return errRehearsed
	})
	if errors.Is(err, errRehearsed) {
		return steps, nil
	}
	return nil, err
}

// NewRehearsal rehearses in tx.
func NewRehearsal(tx pgx.Tx) *Rehearsal { return &Rehearsal{DB: tx, tx: tx} }

// Steps are those that have been run, and would have stayed.
func (r *Rehearsal) Steps() []Step { return r.steps }

// Note notes a step.
func (r *Rehearsal) Note(step Step) { r.steps = append(r.steps, step) }

// BeginTx begins a savepoint. The limits that the options hold are those of the owner's transaction.
func (r *Rehearsal) BeginTx(ctx context.Context, _ pgx.TxOptions) (pgx.Tx, error) {
	return r.begin(ctx)
}

func (r *Rehearsal) begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := r.tx.Begin(ctx)
	return rehearsedTx{tx, r, len(r.steps)}, err
}

// rehearsedTx is a savepoint of a rehearsal.
type rehearsedTx struct {
	pgx.Tx
	rehearsal *Rehearsal
	noted     int // when it began
}

func (t rehearsedTx) Begin(ctx context.Context) (pgx.Tx, error) { return t.rehearsal.begin(ctx) }

func (t rehearsedTx) Rollback(ctx context.Context) error {
	err := t.Tx.Rollback(ctx)
	if !errors.Is(err, pgx.ErrTxClosed) {
		t.rehearsal.steps = t.rehearsal.steps[:t.noted]
	}
	return err
}

// Rehearses says whether tx is a rehearsal's: there are no rows then.
func Rehearses(tx pgx.Tx) bool {
	_, is := tx.(rehearsedTx)
	return is
}

// Sends is asked before each step is run, and says whether it is to be sent. A rehearsal notes it.
func Sends(tx pgx.Tx, step Step) bool {
	t, rehearsed := tx.(rehearsedTx)
	if rehearsed {
		t.rehearsal.Note(step)
	}
	return !rehearsed || !step.Live
}

// Note has a rehearsal note a step that was sent in another form than its text, with parameters say. Anywhere else it does
// nothing.
func Note(db infra.DB, step Step) {
	if t, rehearsed := db.(rehearsedTx); rehearsed {
		t.rehearsal.Note(step)
	}
}
