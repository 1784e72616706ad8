package setup

import (
	"time"

	"github.com/redcache/redcache/catalog"
)

// Answer is a run as JSON, for whoever invoked the refresher. Its fields are those of `cachectl refresh --json`, which
// docs/json.md explains.
type Answer struct {
	ID           int64              `json:"id"`
	View         string             `json:"view"`
	Strategy     catalog.Strategy   `json:"strategy"`
	State        catalog.RunState   `json:"state"`
	Attempts     int                `json:"attempts"`
	StartedAt    time.Time          `json:"started_at"`
	FinishedAt   *time.Time         `json:"finished_at"`
	Took         float64            `json:"took_seconds"`
	AsOf         *time.Time         `json:"as_of"`
	RowsRead     *int64             `json:"rows_read"`
	RowsInserted *int64             `json:"rows_inserted"`
	RowsUpdated  *int64             `json:"rows_updated"`
	RowsDeleted  *int64             `json:"rows_deleted"`
	BytesRead    *int64             `json:"bytes_read"`
	Transport    *catalog.Transport `json:"transport"`
	Holder       *string            `json:"holder"`
	Reason       *string            `json:"reason"`
}

// NewAnswer returns what is told of a run.
func NewAnswer(run catalog.Run) Answer {
	return Answer{
		ID: run.ID, View: run.View.String(), Strategy: run.Strategy, State: run.State, Attempts: run.Attempts,
		StartedAt: run.StartedAt.UTC(), FinishedAt: utc(run.FinishedAt), Took: run.Took().Seconds(), AsOf: utc(run.AsOf),
		RowsRead: run.RowsRead, RowsInserted: run.RowsInserted, RowsUpdated: run.RowsUpdated, RowsDeleted: run.RowsDeleted,
		BytesRead: run.BytesRead, Transport: run.Transport, Holder: run.Holder, Reason: run.Reason,
	}
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	in := t.UTC()
	return &in
}
