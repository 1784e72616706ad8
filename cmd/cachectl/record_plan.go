package main

import (
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/cmd/internal/wire"
	"github.com/redcache/redcache/pipeline"
	"github.com/redcache/redcache/pipeline/impact"
)

// changeRecord is what became of a view.
type changeRecord struct {
	View   string             `json:"view"`
	Change pipeline.Kind      `json:"change"`
	Source catalog.SourceKind `json:"source"`
	File   *string            `json:"file"`
}

func recordApplied(c pipeline.Change) changeRecord {
	source := c.After.Kind
	if c.Kind == pipeline.Removed {
		source = c.Before.Kind
	}
	return changeRecord{View: c.Name.String(), Change: c.Kind, Source: source, File: some(c.File)}
}

// plannedRecord is what is to become of a view, and what that means for its readers.
type plannedRecord struct {
	View     string             `json:"view"`
	Change   pipeline.Kind      `json:"change"`
	Source   catalog.SourceKind `json:"source"`
	File     *string            `json:"file"`
	Applied  pipeline.Way       `json:"applied"`
	Fields   []fieldRecord      `json:"fields"`
	Diff     *string            `json:"diff"`
	Adds     []string           `json:"adds"`
	Breaks   []string           `json:"breaks"`
	Affects  []useRecord        `json:"affects"`
	LastRows *int64             `json:"last_rows"`
	LastTook *seconds           `json:"last_took_seconds"`
}

type fieldRecord struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// useRecord is something that uses what a change takes away.
type useRecord struct {
	By       impact.By `json:"by"`
	Kind     string    `json:"kind"`
	Name     string    `json:"name"`
	Columns  []string  `json:"columns"`
	Through  *string   `json:"through"`
	InTheWay bool      `json:"in_the_way"`
	Role     *string   `json:"role"`
	Calls    *int64    `json:"calls"`
}

func recordPlanned(p pipeline.Planned, uses []impact.Use, last catalog.WholeRun) plannedRecord {
	c := recordApplied(p.Change)
	r := plannedRecord{
		View: c.View, Change: c.Change, Source: c.Source, File: c.File, Applied: p.Way, Fields: []fieldRecord{}, Diff: some(p.Diff()),
		Adds: list(p.Adds), Breaks: list(p.Breaks), Affects: []useRecord{},
	}
	for _, f := range p.Fields {
		r.Fields = append(r.Fields, fieldRecord(f))
	}
	for _, u := range uses {
		if u.Of == p.Name {
			r.Affects = append(r.Affects, useRecord{
				By: u.By, Kind: u.Kind, Name: u.Name, Columns: list(u.Columns), Through: some(u.Through), InTheWay: u.InTheWay(),
				Role: some(u.Role), Calls: some(u.Calls),
			})
		}
	}
	if p.Way == pipeline.ByRebuild && last != (catalog.WholeRun{}) {
		took := secondsOf(last.Took)
		r.LastRows, r.LastTook = &last.Rows, &took
	}
	return r
}

// took is how long the last whole read of the view has taken; zero when nobody knows.
func (r plannedRecord) took() time.Duration {
	if r.LastTook == nil {
		return 0
	}
	return wire.Seconds(*r.LastTook).Duration()
}
