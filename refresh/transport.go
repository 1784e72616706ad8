package refresh

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/refresh/read"
)

// open opens the session that all members of the attempt share.
func (r *Runner) open(ctx context.Context, a *attempt) error {
	wanted, err := a.wantedTransport()
	if err != nil {
		return err
	}
	first := a.works[0].view
	s, why, err := r.opener.Open(ctx, a.tx, read.Wish{
		Link: first.Link, Transport: wanted, Settings: a.settings(ctx), Slot: a.slot,
		Idle: timeLeft(ctx, a.timeout()+2*silence), Inputs: a.inputs(), Set: a.set,
	})
	if why != nil {
		a.remark(why)
	}
	a.source = s
	if err != nil {
		return explainRemote(first, err)
	}
	return nil
}

// inputs are the views that local queries of the attempt read.
func (a *attempt) inputs() (names []catalog.Name) {
	for _, w := range a.works {
		names = append(names, w.view.Inputs()...)
	}
	return names
}

// fewRows are read as fast by either transport.
const fewRows = 10_000

// wantedTransport is the one that suits all members: they are read through one session. What is left open is auto.
func (a *attempt) wantedTransport() (catalog.Transport, error) {
	if a.works[0].view.Kind == catalog.LocalSource {
		return catalog.LocalTransport, nil
	}
	var dblinkOnly, streamOnly *viewWork
	few := true
	for _, w := range a.works {
		switch {
		case !w.traits().Takes(catalog.StreamTransport), w.view.Transport == catalog.DblinkTransport:
			dblinkOnly = w
		case w.view.Transport == catalog.StreamTransport:
			streamOnly = w
		}
		few = few && !w.whole && w.tail <= fewRows
	}
	switch {
	case dblinkOnly != nil && streamOnly != nil:
		return "", &catalog.InvalidError{
			What:    "view " + streamOnly.view.Name.String(),
			Problem: fmt.Sprintf("its transport is stream, and %s of its group can only be read through dblink", dblinkOnly.view.Name),
			Fix:     "choose --transport auto, or another group",
		}
	case streamOnly != nil:
		return catalog.StreamTransport, nil
	case dblinkOnly != nil, few: // for few rows, a second login costs more than it brings
		return catalog.DblinkTransport, nil
	}
	return catalog.AutoTransport, nil
}

// settings are what the session asks of Redshift.
func (a *attempt) settings(ctx context.Context) redshift.Settings {
	return redshift.Settings{QueryGroup: "redcache " + a.title(), StatementTimeout: timeLeft(ctx, a.timeout())}
}

// noteOpening reads the clock before the remote side is asked for its own, where the two have to be held against each other.
func (a *attempt) noteOpening(ctx context.Context) (err error) {
	if slices.ContainsFunc(a.works, func(w *viewWork) bool { return w.view.SafetyLag > 0 }) {
		a.opened, err = a.clock(ctx)
	}
	return err
}

// clock is this database's. Read before the remote side is, it is a moment whose remote commits are all seen.
func (a *attempt) clock(ctx context.Context) (now time.Time, err error) {
	err = a.tx.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(&now)
	return now, wrap(err, "read clock")
}
