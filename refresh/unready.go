package refresh

import (
	"context"
	"fmt"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// askReady asks of each member whether there is something to read, and stops at the first of which there is not: all are read
// together, or none.
func (a *attempt) askReady(ctx context.Context) (at *viewWork, err error) {
	for _, w := range a.works {
		if w.view.ReadyWhen == "" {
			continue
		}
		ready, said, err := redshift.AskCondition(ctx, a.source, w.view.ReadyWhen)
		if err != nil {
			return w, w.notAsked(ctx, err)
		}
		if ready {
			continue
		}
		a.unready = &NotReadyError{w.view.Name, w.view.ReadyWhen, said}
		if a.set != 0 { // somebody waits for what it builds
			return w, a.unready
		}
		return w, nil
	}
	return a.works[0], nil
}

// notAsked explains why the condition could not be asked for, and what to do where that is the condition's fault.
func (w *viewWork) notAsked(ctx context.Context, err error) error {
	canceled := ctx.Err() == nil && relation.SQLState(err) == queryCanceled // and not by us
	if redshift.Classify(err) != redshift.Never && !canceled {
		return err
	}
	explained := redshift.Explained(err, fmt.Sprintf("ask through link %s whether the source is ready, by %s",
		w.view.Link.Name, infra.Bounded(w.view.ReadyWhen)))
	if canceled {
		return timedOut(w.view, explained)
	}
	advice := altering(w.view.Name, "--ready-when") + " gives the view another condition, and '' takes it away."
	return infra.Hinted(explained, strings.TrimSpace(infra.Hint(explained)+" "+advice))
}

// recordUnready writes that nothing was read, and why.
func (a *attempt) recordUnready(ctx context.Context, j *job) error {
	for _, w := range a.works {
		m := j.member(w.view.ID)
		reason := a.unready.Error()
		if a.unready.View != w.view.Name {
			reason = fmt.Sprintf("view %s of its group is not read: %s", a.unready.View, reason)
		}
		run, err := catalog.In(a.tx).FinishUnready(ctx, m.run, a.tried, reason)
		if err != nil {
			return err
		}
		run.PublicReason = reason
		m.result = run
	}
	return nil
}
