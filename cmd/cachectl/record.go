package main

import (
	"cmp"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/internal/wire"
	"github.com/redcache/redcache/lock"
	"github.com/redcache/redcache/plan"
)

// The records are what --json prints, a contract that docs/json.md explains and a test holds to it. A field is always
// there; what is not known, or does not apply, is null. Durations are seconds, times are RFC 3339 in UTC.

type columnRecord struct {
	Column string `json:"column"`
	Type   string `json:"type"`
}

type viewRecord struct {
	View           string                `json:"view"`
	Link           string                `json:"link"`
	Strategy       catalog.Strategy      `json:"strategy"`
	Query          string                `json:"query"`
	Inputs         []string              `json:"inputs"`
	Columns        []columnRecord        `json:"columns"`
	Key            []string              `json:"key"`
	WatermarkIn    *string               `json:"watermark_column"`
	Lookback       *string               `json:"lookback"`
	SafetyLag      seconds               `json:"safety_lag_seconds"`
	ReconcileEvery seconds               `json:"reconcile_every_seconds"`
	Every          seconds               `json:"every_seconds"`
	MaxAge         seconds               `json:"max_age_seconds"`
	Timeout        seconds               `json:"timeout_seconds"`
	Indexes        []string              `json:"indexes"`
	Grants         []string              `json:"grants"`
	NulBytes       catalog.NulBytes      `json:"nul_bytes"`
	Transport      catalog.Transport     `json:"transport"`
	Split          *string               `json:"split"`
	Sessions       int                   `json:"sessions"`
	Group          *string               `json:"group"`
	AllowShrink    int                   `json:"allow_shrink_percent"`
	Checks         []string              `json:"checks"`
	SkipUnchanged  catalog.SkipUnchanged `json:"skip_unchanged"`
	ReadyWhen      *string               `json:"ready_when"`
	Owner          *string               `json:"owner"`
	Description    *string               `json:"description"`
	CreatedAt      time.Time             `json:"created_at"`
	ChangedAt      time.Time             `json:"changed_at"`
	Rows           *int64                `json:"rows"`
	Bytes          *int64                `json:"bytes"`
	AsOf           *time.Time            `json:"as_of"`
	Age            *seconds              `json:"age_seconds"`
	Lag            *seconds              `json:"lag_seconds"`
	Stale          bool                  `json:"stale"`
	NextDue        *time.Time            `json:"next_due"`
	Failures       int                   `json:"failures"`
	UnreadySince   *time.Time            `json:"unready_since"`
	Watermark      *string               `json:"watermark"`
	Generation     *int32                `json:"generation"`
	Relation       *string               `json:"relation"`
	LastRun        *wire.Run             `json:"last_run"`
	Problem        *string               `json:"problem"`
	Running        *wire.Run             `json:"running"`
	HeldBy         *string               `json:"held_by"`
	Changing       *string               `json:"changing"`
	restRecord
}

func recordColumns(columns []catalog.Column) []columnRecord {
	records := []columnRecord{}
	for _, c := range columns {
		records = append(records, columnRecord{c.Name, cmp.Or(c.Type, c.Local)})
	}
	return records
}

func recordView(status catalog.Status, link catalog.LinkState, busy holders, behind lags) viewRecord {
	v := status.View
	record := viewRecord{
		View: v.Name.String(), Link: v.Link.Name, Strategy: v.Strategy, Query: v.Query, Inputs: []string{}, Columns: recordColumns(v.Columns),
		Key: list(v.Key), WatermarkIn: some(v.Watermark), Lookback: some(v.Lookback),
		SafetyLag: secondsOf(v.SafetyLag), ReconcileEvery: secondsOf(v.ReconcileEvery),
		Every: secondsOf(v.RefreshEvery), MaxAge: secondsOf(v.MaxAge), Timeout: secondsOf(v.Timeout),
		Indexes: list(v.Indexes), Grants: list(v.Grantees), NulBytes: v.NulBytes,
		Transport: v.Transport, Split: some(v.Split), Sessions: v.Sessions, Group: some(v.Group),
		AllowShrink: v.AllowShrink, Checks: list(v.Checks), SkipUnchanged: v.SkipUnchanged, ReadyWhen: some(v.ReadyWhen), Owner: some(v.Definition.Owner), Description: some(v.Description),
		CreatedAt: v.CreatedAt.UTC(), ChangedAt: v.ChangedAt.UTC(),
		Rows: status.Rows, Bytes: status.Bytes, AsOf: utc(status.AsOf), Stale: status.Stale,
		NextDue: utc(status.NextDue), Failures: status.Failures, UnreadySince: utc(status.Unready), Watermark: status.Watermark,
		Problem:    some(status.Problem),
		restRecord: recordRest(link),
	}
	for _, input := range v.Inputs() {
		record.Inputs = append(record.Inputs, input.String())
	}
	if v.Watermark == "" {
		record.Lookback, record.Watermark = nil, nil // stored, and without meaning
	}
	if status.Age != nil {
		age := secondsOf(*status.Age)
		record.Age = &age
	}
	if lag, is := behind[v.Name]; is {
		record.Lag = new(secondsOf(lag))
	}
	if status.Generation != nil {
		record.Generation = status.Generation
		record.Relation = some(catalog.DataSchema + "." + v.Relation(*status.Generation))
	}
	if status.LastRun != nil {
		run := wire.RunOf(*status.LastRun)
		record.LastRun = &run
	}
	if status.Running != nil {
		run := wire.RunOf(*status.Running)
		record.Running = &run
	}
	if holder, held := busy[v.ID]; held {
		record.HeldBy = some(holder.String())
	}
	if status.Changing != nil {
		record.Changing = some(status.Changing.String())
	}
	return record
}

type lockRecord struct {
	Kind        string     `json:"kind"`
	Name        string     `json:"name"`
	Slot        *int       `json:"slot"`
	Waiting     bool       `json:"waiting"`
	PID         *int       `json:"pid"`
	Application *string    `json:"application"`
	User        *string    `json:"user"`
	ClientAddr  *string    `json:"client_addr"`
	Since       *time.Time `json:"since"`
	State       *string    `json:"state"`
}

func recordLock(h lock.Held, name string) lockRecord {
	record := lockRecord{
		Kind: h.Kind, Name: name, Waiting: h.Waiting, PID: some(h.PID), Application: some(h.Application),
		User: some(h.User), ClientAddr: some(h.ClientAddr), State: some(h.State),
	}
	if h.Kind == lock.KindLink {
		record.Slot = &h.Slot
	}
	if !h.Since.IsZero() {
		record.Since = utc(&h.Since)
	}
	return record
}

// stepRecord is one statement of a dry run.
type stepRecord struct {
	Object  string   `json:"object"`
	Title   string   `json:"title"`
	SQL     string   `json:"sql"`
	Lock    *string  `json:"lock"`
	Hazards []string `json:"hazards"`
	Notes   []string `json:"notes"`
}

func planOf(object string, steps []plan.Step) []stepRecord {
	records := []stepRecord{}
	for _, step := range steps {
		record := newStep(object, step.Title, step.SQL)
		if step.Lock != "" {
			lock := string(step.Lock)
			record.Lock = &lock
		}
		for _, hazard := range step.Hazards {
			record.Hazards = append(record.Hazards, string(hazard))
		}
		record.Notes = append(record.Notes, step.Notes...)
		records = append(records, record)
	}
	return records
}

// newStep is a step that nobody else notices.
func newStep(object, title, sql string) stepRecord {
	return stepRecord{Object: object, Title: title, SQL: sql, Hazards: []string{}, Notes: []string{}}
}

// rollbackRecord is a set that was undone, and what became of its views.
type rollbackRecord struct {
	Set   int32            `json:"set"`
	Views []wentBackRecord `json:"views"`
}

type wentBackRecord struct {
	View string           `json:"view"`
	What catalog.UndoKind `json:"what"`
	AsOf *time.Time       `json:"as_of"`
}

type removalRecord struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type initRecord struct {
	Version int64    `json:"version"`
	Applied []string `json:"applied"`
}

type versionRecord struct {
	Version string `json:"version"`
}

// seconds is a duration in JSON.
type seconds wire.Seconds

func secondsOf(d time.Duration) seconds { return seconds(wire.SecondsOf(d)) }

// some is a value, or null when it is the zero one.
func some[T comparable](value T) *T {
	var zero T
	if value == zero {
		return nil
	}
	return &value
}

func utc(t *time.Time) *time.Time { return wire.UTC(t) }

// list is never null.
func list(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}
