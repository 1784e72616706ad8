package main

import (
	"context"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline/graph"
)

// lags are how far local views are behind what they read, by their names: those that are not are not in it.
type lags map[catalog.Name]time.Duration

// lagsOf compares each local view with the oldest of its inputs. What is not filled yet is compared with nothing.
func lagsOf(all []catalog.Status) lags {
	asOf := map[catalog.Name]*time.Time{}
	for _, s := range all {
		asOf[s.View.Name] = s.AsOf
	}
	behind := lags{}
	for _, s := range all {
		var oldest *time.Time
		for _, input := range s.View.Inputs() {
			if at := asOf[input]; oldest == nil || at == nil || at.Before(*oldest) {
				oldest = at
			}
			if oldest == nil {
				break
			}
		}
		if oldest != nil && s.AsOf != nil && s.AsOf.Before(*oldest) {
			behind[s.View.Name] = oldest.Sub(*s.AsOf)
		}
	}
	return behind
}

// statusTree shows the graph with the age of each view, and how much of it is its own.
func (s *connection) statusTree(ctx context.Context, name *catalog.Name) error {
	var all []catalog.Status
	err := s.atOnce(ctx, func(s *connection) (err error) {
		if name != nil {
			if _, err := s.store.View(ctx, *name); err != nil {
				return err
			}
		}
		all, err = s.store.Status(ctx)
		return err
	})
	if err != nil {
		return err
	}
	views, of := make([]catalog.View, len(all)), map[string]catalog.Status{}
	for i, status := range all {
		views[i], of[status.View.Name.String()] = status.View, status
	}
	g, behind := graph.Of(views), lagsOf(all)
	if name != nil {
		g = g.Around(*name)
	}
	if len(g) == 0 {
		s.tell("no views yet; `cachectl add-view` makes one")
	}
	return s.printf("%s", lines(treeOf(g, func(n *graph.Node) string {
		if n.Kind == graph.Table {
			return "on Redshift"
		}
		return agesOf(of[n.Name], behind)
	}, nil)))
}

// agesOf says how far behind now a view is, how far behind what it reads, and whether that breaks its promise.
func agesOf(s catalog.Status, behind lags) string {
	text := "not filled yet"
	if s.Age != nil {
		text = age(s.Age) + " old"
	}
	if lag, is := behind[s.View.Name]; is {
		text += ", " + brief(lag) + " behind what it reads"
	}
	if s.Stale {
		text += ", stale: promised " + catalog.FormatDuration(s.View.MaxAge)
	}
	if s.Failures > 0 {
		text += ", failed " + count(s.Failures, "time", "times")
	}
	return text
}
