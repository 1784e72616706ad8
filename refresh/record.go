package refresh

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// record writes the results of the runs.
func (a *attempt) record(ctx context.Context, tx pgx.Tx, j *job) error {
	for _, w := range a.works {
		m := j.member(w.view.ID)
		o := w.outcome
		o.Generation, o.Set, o.Published, o.Attempts = w.view.Generation, j.set, w.published, a.tried
		o.Strategy, o.Transport, o.Reason = w.strategy, a.source.Transport(), a.reason(w)
		o.Modified, o.Content = w.proof.modified, w.proof.content
		if w.waited > 0 {
			o.Waited = &w.waited
		}
		run, err := catalog.In(tx).FinishRun(ctx, m.run, o)
		if err != nil {
			return err
		}
		run.PublicReason = a.publicReason(w)
		m.settle(w, run)
		if err := w.remember(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

func (a *attempt) recordUnchanged(ctx context.Context, j *job) error {
	for _, w := range a.works {
		m := j.member(w.view.ID)
		w.keepGeneration()
		run, err := catalog.In(a.tx).FinishUnchanged(ctx, m.run, *w.proof.unchanged, a.tried, w.proof.how)
		if err != nil {
			return err
		}
		run.PublicReason = w.proof.how
		m.settle(w, run)
		if err := w.remember(ctx, a.tx); err != nil {
			return err
		}
	}
	return nil
}

// settle keeps what became of the view, for after the commit.
func (m *viewRun) settle(w *viewWork, run catalog.Run) {
	m.view, m.result, m.canMerge = w.view, run, canMerge([]*viewWork{w})
	m.first, m.switches = w.state.Generation == nil, !w.seen()
	m.unpublished, m.frozen = m.switches && !w.published, w.frozen || !w.newRelation
	m.leftovers = w.condition.Leftovers(w.state)
}

// remember keeps what people have put on the view since it was last looked at. Where readers wait for the commit, that
// is left for after it. A query that is not ours is not remembered as if it were.
func (w *viewWork) remember(ctx context.Context, tx pgx.Tx) error {
	if !w.seen() {
		return nil
	}
	return remember(ctx, tx, w.view, w.condition.Published)
}

func remember(ctx context.Context, tx pgx.Tx, v catalog.View, p catalog.Published) error {
	switch {
	case !p.AtHome || !p.Changed:
		return nil
	case p.Altered:
		return catalog.In(tx).RememberAround(ctx, v.ID)
	}
	return catalog.In(tx).Remember(ctx, v.ID)
}

func (a *attempt) reason(w *viewWork) string {
	return remarked(slices.Concat(w.remarks, a.remarks), infra.Message)
}

// publicReason is the same for logs.
func (a *attempt) publicReason(w *viewWork) string {
	return remarked(slices.Concat(w.remarks, a.remarks), redshift.Public)
}

func remarked(remarks []error, told func(error) string) string {
	texts := make([]string, len(remarks))
	for i, remark := range remarks {
		texts[i] = told(remark)
	}
	return infra.BoundedMessage(strings.Join(texts, "; "))
}
