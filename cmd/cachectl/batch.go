package main

import (
	"context"
	"slices"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/pipeline/graph"
)

// batch is what one refresh takes: a view, or all views of a group, the one that was named first.
type batch struct {
	names []catalog.Name
	group string
}

// String is what the statements of a batch are for.
func (b batch) String() string {
	if b.group != "" {
		return "group " + b.group
	}
	return "view " + b.names[0].String()
}

// batches are what was asked for, a group once however many of its views were named.
func (s *connection) batches(ctx context.Context, o refreshOptions) ([]batch, error) {
	switch {
	case o.all:
		views, err := s.store.Views(ctx)
		if len(views) == 0 && err == nil {
			s.tell("no views yet; `cachectl add-view` makes one")
		}
		return batchesOf(graph.Of(views).Views(), nil), doing(err, "refresh all views")
	case o.group != "":
		names, err := s.store.Group(ctx, o.group)
		return []batch{{names, o.group}}, doing(err, "refresh group %s", o.group)
	case len(o.names) == 1:
		return s.batchOf(ctx, o.names[0]), nil
	}
	views, err := s.store.Views(ctx)
	return batchesOf(views, o.names), doing(err, "refresh views")
}

// batchOf is the batch of one view. Where that does not exist, its refresh will say so.
func (s *connection) batchOf(ctx context.Context, name catalog.Name) []batch {
	members, _ := s.store.Members(ctx, name)
	views := make([]catalog.View, len(members))
	for i, m := range members {
		views[i] = m.View
	}
	return batchesOf(views, []catalog.Name{name})
}

// batchesOf puts names together whose views are of one group; nil stands for all views, in their order.
func batchesOf(views []catalog.View, names []catalog.Name) (all []batch) {
	groups, members, taken := map[catalog.Name]string{}, map[string][]catalog.Name{}, map[string]bool{}
	for _, v := range views {
		groups[v.Name] = v.Group
		members[v.Group] = append(members[v.Group], v.Name)
	}
	if names == nil {
		for _, v := range views {
			names = append(names, v.Name)
		}
	}
	for _, name := range names {
		group := groups[name]
		switch {
		case group == "":
			all = append(all, batch{names: []catalog.Name{name}})
		case !taken[group]:
			taken[group] = true
			rest := slices.DeleteFunc(slices.Clone(members[group]), func(n catalog.Name) bool { return n == name })
			all = append(all, batch{append([]catalog.Name{name}, rest...), group})
		}
	}
	return all
}
