package refresh

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
)

// run is one transaction from the lock to the commit.
func (j *job) run(ctx context.Context) error {
	// The statement that reads is bounded by the view's timeout on both servers; pauses between statements are ours.
	limits := infra.Limits{Statement: timeLeft(ctx, j.stub.Timeout)}
	j.link = nil
	return infra.InTx(ctx, j.runner.pool, limits, func(tx pgx.Tx) error {
		a, err := j.prepare(ctx, tx)
		if err != nil {
			return err
		}
		if a.works[0].view.Rowless() {
			return a.showInputs(ctx, j)
		}
		if err = j.takeSlot(ctx, a); err != nil {
			return err
		}
		j.tell(Connecting)
		if err = j.ready(ctx, a); err != nil {
			return err
		}
		if err = a.bound(ctx); err != nil {
			return err
		}
		if err = a.noteOpening(ctx); err != nil {
			return err
		}
		if err = j.runner.open(ctx, a); err != nil {
			return err
		}
		j.tell(Loading)
		reading := infra.WithEnd(ctx, time.Now().Add(timeLeft(ctx, a.timeout())+silence+ending))
		if err := a.closeSource(reading, a.read(reading, j.runner)); err != nil {
			return err
		}
		j.tell(Committing)
		return a.finish(ctx, j)
	})
}
