package refresh

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/relation"
)

// probeModified asks when Redshift last noted a change of the source's tables. It notes changes late, by up to lag, so
// the same answer as before proves something only about the time before that. The answer is kept from before the read:
// a change during the read makes the next answer differ.
func (w *viewWork) probeModified(ctx context.Context, lag time.Duration) error {
	mode := w.view.SkipUnchanged
	if mode == catalog.SkipOff {
		return nil
	}
	if word, volatile := redshift.Volatile(w.view.Query); volatile {
		w.remark("never skipped: " + word + " makes the query's result change by itself")
		return nil
	}
	if w.view.SafetyLag > 0 {
		w.remark("never skipped: rows that were too young for the last read come of age by themselves")
		return nil
	}
	w.proof.wantsContent = mode == catalog.SkipContent
	if mode == catalog.SkipContent {
		return nil
	}
	modified, err := redshift.LastModified(ctx, w.at.source, w.view.Query)
	if untrusted := (*redshift.UntrustedError)(nil); errors.As(err, &untrusted) {
		w.proof.wantsContent = mode == catalog.SkipAuto
		w.remark(untrusted.Error())
		return nil
	}
	if err != nil {
		return err
	}
	w.proof.modified = &modified
	if !w.proof.wanted || w.state.Modified == nil || *w.state.Modified != modified {
		return nil
	}
	asOf := latest(w.at.asOf.Add(-lag), *w.state.AsOf)
	if mode == catalog.SkipAuto && !w.freshEnough(asOf) {
		w.proof.wantsContent = true // which is a proof up to now
		return nil
	}
	w.proof.unchanged, w.proof.how = &asOf, "Redshift has noted no change of the tables since the last read"
	return nil
}

// freshEnough says whether a copy of that age will keep the view's promise until the next run.
func (w *viewWork) freshEnough(asOf time.Time) bool {
	return w.view.MaxAge == 0 || w.at.asOf.Sub(asOf)+w.view.RefreshEvery <= w.view.MaxAge
}

// probeContent has Redshift compute what the content of the source is, in the snapshot in which it is read: what is
// kept is the content of the copy, whatever happens to the source meanwhile.
func (w *viewWork) probeContent(ctx context.Context) error {
	if !w.proof.wantsContent {
		return nil
	}
	content, err := redshift.Fingerprint(ctx, w.at.source, w.columns, w.view.Query, w.view.Watermark)
	if unhashable := (*redshift.UnhashableError)(nil); errors.As(err, &unhashable) {
		w.remark("read in full: " + unhashable.Error())
		return nil
	}
	if redshift.Classify(err) == redshift.Never && relation.SQLState(err) != "" {
		w.remarkOn(fmt.Errorf("read in full: %w", err))
		return w.at.newSnapshot(ctx) // the failure ended the old one
	}
	if err != nil {
		return err
	}
	w.proof.content = &content
	if w.proof.wanted && w.state.Content != nil && *w.state.Content == content {
		w.proof.unchanged, w.proof.how = &w.at.asOf, "the content is the same as at the last read"
	}
	return nil
}

// newSnapshot begins another snapshot. What the old one proved of other members is void.
func (a *attempt) newSnapshot(ctx context.Context) error {
	for _, w := range a.works {
		w.proof.wantsContent, w.proof.content = false, nil
		if w.proof.modified == nil {
			w.proof.unchanged = nil
		}
	}
	if err := a.source.Commit(ctx); err != nil {
		return err
	}
	return a.source.Begin(ctx)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
