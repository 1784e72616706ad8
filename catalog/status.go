package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redcache/redcache/sql"
)

type statusRow struct {
	ViewID       int32
	Generation   *int32
	RowCount     *int64
	Bytes        *int64
	AsOf         *time.Time
	Age          *time.Duration
	Stale        bool
	NextDue      *time.Time
	Failures     int
	Watermark    *string
	LastRunID    *int64
	UnreadySince *time.Time
	Awaited      []string
}

// Status returns all views by name with all that operators ask about them. These are several statements: in a snapshot,
// see [infra.InSnapshot], all of it is true of one moment.
func (s Store) Status(ctx context.Context) ([]Status, error) {
	views, err := s.Views(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := collect[statusRow](ctx, s.db, sql.Status)
	if err != nil {
		return nil, fmt.Errorf("read status: %w", err)
	}
	states := make(map[int32]statusRow, len(rows))
	for _, row := range rows {
		states[row.ViewID] = row
	}
	ended, running, err := s.lastRuns(ctx)
	if err != nil {
		return nil, err
	}
	published, err := s.Published(ctx, nil)
	if err != nil {
		return nil, err
	}
	sets, err := s.PendingSets(ctx)
	if err != nil {
		return nil, err
	}
	shown := Shown{}
	for _, view := range views {
		shown[view.Name] = published[view.ID]
	}
	all := make([]Status, 0, len(views))
	for _, view := range views {
		row, found := states[view.ID]
		if !found {
			continue // dropped between the two reads
		}
		status := Status{
			View: view, Generation: row.Generation, Rows: row.RowCount, Bytes: row.Bytes, AsOf: row.AsOf, Age: row.Age,
			Stale: row.Stale, NextDue: row.NextDue, Failures: row.Failures, Unready: row.UnreadySince, Watermark: row.Watermark, Awaited: row.Awaited,
			Problem: shown.Problem(view.Name), Misled: shown.Misled(view.Name),
		}
		if invalid, ok := errors.AsType[*InvalidError](view.CheckStored()); ok {
			status.Problem = invalid.Problem
		}
		if row.LastRunID != nil {
			if run, found := ended[*row.LastRunID]; found {
				status.LastRun = &run
			}
		}
		if run, found := running[view.ID]; found {
			status.Running = &run
		}
		for _, set := range sets {
			if set.UnderWay() && set.Has(view.Name) {
				status.Changing = &set
			}
		}
		all = append(all, status)
	}
	return all, nil
}

// lastRuns returns the last runs that have ended by their ids, and those under way by their views.
func (s Store) lastRuns(ctx context.Context) (ended map[int64]Run, running map[int32]Run, err error) {
	all, err := s.collectRuns(ctx, sql.LastRuns)
	if err != nil {
		return nil, nil, fmt.Errorf("read last runs: %w", err)
	}
	ended, running = make(map[int64]Run, len(all)), map[int32]Run{}
	for _, run := range all {
		if run.State == Running {
			running[run.ViewID] = run
		} else {
			ended[run.ID] = run
		}
	}
	return ended, running, nil
}
