package main

import (
	"context"
	"encoding/json"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline/lineage"
	"github.com/redcache/redcache/pipeline/lineage/parse"
	"github.com/redcache/redcache/refresh"
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
	return parse.Views(queries), nil
}

// tracer reads the queries that are applied, among those of all other views that are there.
func (s *connection) tracer(ctx context.Context) refresh.Tracer {
	return func(described []refresh.Described) (map[catalog.Name]json.RawMessage, error) {
		all, err := s.store.Views(ctx)
		if err != nil {
			return nil, err
		}
		queries, found := queriesOf(all), map[catalog.Name]json.RawMessage{}
		for _, d := range described {
			if d.After != nil {
				queries[relationOf(d.Name)] = queryOf(*d.After)
			}
		}
		for _, d := range described {
			if d.After == nil {
				continue
			}
			text, err := json.Marshal(queries[relationOf(d.Name)].Read(queries))
			if err != nil {
				return nil, err
			}
			found[d.Name] = text
		}
		return found, nil
	}
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
