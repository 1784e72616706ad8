// Package wire is the JSON that several programs print: one form of a run, whether cachectl prints it or a function
// returns it. docs/json.md explains it, and a test of cachectl holds it to that.
package wire

import (
	"time"

	"github.com/redcache/redcache/catalog"
)

// Run is one attempt to refresh a view. What is not known, or does not apply, is null.
type Run struct {
	ID           int64              `json:"id"`
	View         string             `json:"view"`
	Strategy     catalog.Strategy   `json:"strategy"`
	State        catalog.RunState   `json:"state"`
	Whole        bool               `json:"whole"`
	Generation   int32              `json:"generation"`
	Origin       string             `json:"origin"`
	Application  string             `json:"application"`
	PID          *int32             `json:"pid"`
	Attempts     int                `json:"attempts"`
	StartedAt    time.Time          `json:"started_at"`
	FinishedAt   *time.Time         `json:"finished_at"`
	Took         *Seconds           `json:"took_seconds"`
	AsOf         *time.Time         `json:"as_of"`
	RowsRead     *int64             `json:"rows_read"`
	RowsInserted *int64             `json:"rows_inserted"`
	RowsUpdated  *int64             `json:"rows_updated"`
	RowsDeleted  *int64             `json:"rows_deleted"`
	BytesRead    *int64             `json:"bytes_read"`
	Watermark    *string            `json:"watermark"`
	Transport    *catalog.Transport `json:"transport"`
	Waited       *Seconds           `json:"waited_seconds"`
	Reason       *string            `json:"reason"`
	Holder       *string            `json:"holder"`
	Error        *string            `json:"error"`
	Hint         *string            `json:"hint"`
}

// RunOf returns what is told of a run.
func RunOf(r catalog.Run) Run {
	told := Run{
		ID: r.ID, View: r.View.String(), Strategy: r.Strategy, State: r.State, Whole: r.Whole, Generation: r.Generation,
		Origin: r.Origin, Application: r.Application, PID: r.PID, Attempts: r.Attempts,
		StartedAt: r.StartedAt.UTC(), FinishedAt: UTC(r.FinishedAt), AsOf: UTC(r.AsOf), RowsRead: r.RowsRead,
		RowsInserted: r.RowsInserted, RowsUpdated: r.RowsUpdated, RowsDeleted: r.RowsDeleted,
		BytesRead: r.BytesRead, Watermark: r.Watermark, Transport: r.Transport, Reason: r.Reason,
		Holder: r.Holder, Error: r.Error, Hint: r.Hint,
	}
	if r.FinishedAt != nil {
		took := SecondsOf(r.Took())
		told.Took = &took
	}
	if r.Waited != nil {
		waited := SecondsOf(*r.Waited)
		told.Waited = &waited
	}
	return told
}

// Seconds is a duration.
type Seconds float64

// SecondsOf returns a duration as it is written.
func SecondsOf(d time.Duration) Seconds { return Seconds(d.Seconds()) }

// Duration returns what was written.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// UTC returns a time as it is written: times are RFC 3339 in UTC.
func UTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC()
	return &at
}

// Public is the run for those who may not see every row: no text of it has a value, and its watermark is left out.
func (r Run) Public(run catalog.Run) Run {
	r.Error, r.Watermark, r.Reason = run.PublicError, nil, nil
	if run.PublicReason != "" {
		r.Reason = &run.PublicReason
	}
	return r
}
