package main

import (
	"context"
	"encoding/json"
	"math"
	"runtime/debug"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline/lineage"
	"github.com/redcache/redcache/pipeline/lineage/parse"
	"github.com/redcache/redcache/sql"
)

// followed are all views of one moment, of which one has to be there, as their lineage is followed. What is stored of it is not
// read again.
func (s *connection) followed(ctx context.Context, name *catalog.Name) (views lineage.Views, err error) {
	err = s.atOnce(ctx, func(s *connection) error {
		all, err := s.viewsWith(ctx, name)
		if err != nil {
			return err
		}
		views, err = s.follow(ctx, all)
		return err
	})
	return views, err
}

func (s *connection) follow(ctx context.Context, views []catalog.View) (lineage.Views, error) {
	stored, err := s.store.Lineages(ctx)
	if err != nil {
		return nil, err
	}
	queries := queriesOf(views)
	for name, text := range stored {
		q := queries[relationOf(name)]
		if json.Unmarshal(text, &q.Known) != nil || !q.Known.Of(q.Columns) {
			q.Known = nil // somebody else has written it
		}
		queries[relationOf(name)] = q
	}
	return viewsOf(queries), nil
}

// keepLineage reads the queries of which nothing is stored yet, and stores what it finds, for whoever has no parser.
func (s *connection) keepLineage(ctx context.Context) error {
	views, err := s.store.Views(ctx)
	if err != nil {
		return err
	}
	stored, err := s.store.Lineages(ctx)
	if err != nil {
		return err
	}
	queries := queriesOf(views)
	for _, v := range views {
		if _, known := stored[v.Name]; known || v.Unreadable != nil {
			continue
		}
		limitMemory()
		text, err := json.Marshal(queries[relationOf(v.Name)].Read(queries))
		if err == nil {
			err = s.store.KeepLineage(ctx, v, text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// limitMemory has the garbage that the parser leaves when it starts, more than 200 MiB, collected earlier, unless somebody has said
// what the limit is.
func limitMemory() {
	const enough = 150 << 20
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(enough)
	}
}

func viewsOf(queries parse.Queries) lineage.Views {
	limitMemory()
	return parse.Views(queries)
}

func queriesOf(views []catalog.View) parse.Queries {
	queries := parse.Queries{}
	for _, v := range views {
		queries[relationOf(v.Name)] = queryOf(v)
	}
	return queries
}

func relationOf(n catalog.Name) lineage.Relation {
	return lineage.Relation{Schema: n.Schema, Name: n.View}
}

// queryOf is a view as its lineage is read: a local query names each input by its schema and name.
func queryOf(v catalog.View) parse.Query {
	q := parse.Query{Text: v.Query, Local: v.Source.Kind == catalog.LocalSource}
	if q.Local {
		q.Text = v.Written(func(n catalog.Name) string { return sql.Ident(n.Schema, n.View) })
	}
	for _, input := range v.Inputs() {
		q.Inputs = append(q.Inputs, relationOf(input))
	}
	for _, c := range v.Columns {
		q.Columns = append(q.Columns, c.Name)
	}
	return q
}
