package pipeline

import (
	"errors"
	"slices"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// Kind is what becomes of a view.
type Kind string

// The kinds of changes.
const (
	Added     Kind = "added"
	Changed   Kind = "changed"
	Removed   Kind = "removed"
	Unchanged Kind = "unchanged"
	// Recomputed is a view that is as it was, and that reads one that returns other rows.
	Recomputed Kind = "recomputed"
)

// Change is what is to become of one view.
type Change struct {
	Kind   Kind
	Name   catalog.Name
	View   *View         // of the project; nil for one that is removed, or that was planned before
	File   string        // its path; empty for one that is removed
	Before *catalog.View // as it is; nil for one that is added
	After  catalog.Definition
}

// Compare holds a project against the views that are there. What is there and not in the project is removed, if prune says so.
func (p *Project) Compare(live []catalog.View, prune bool) (changes []Change, problems Problems) {
	defined, problems := p.definitions()
	changes = p.compare(defined, live, prune)
	return changes, append(problems, p.promises(defined, changes)...).sorted()
}

func (p *Project) compare(defined map[*View]*catalog.Definition, live []catalog.View, prune bool) (changes []Change) {
	there := map[catalog.Name]*catalog.View{}
	others := map[*View]bool{} // that return other rows
	for i, v := range live {
		there[v.Name] = &live[i]
	}
	for _, v := range p.Sorted() {
		if defined[v] == nil {
			continue
		}
		c := Change{Kind: Added, Name: v.Name, View: v, File: v.Path, After: *defined[v]}
		if is := there[v.Name]; is != nil {
			c.Before, c.Kind = is, Changed
			c.After = like(is.Definition, c.After)
			if refresh.SameDefinition(is.Definition, c.After) {
				c.Kind = Unchanged
			}
			delete(there, v.Name)
		}
		if c.returnsOthers() || slices.ContainsFunc(v.Inputs, func(input *View) bool { return others[input] }) {
			others[v] = true
			if c.Kind == Unchanged {
				c.Kind = Recomputed
			}
		}
		changes = append(changes, c)
	}
	if !prune {
		return changes
	}
	for _, v := range live {
		if there[v.Name] != nil {
			changes = append(changes, Change{Kind: Removed, Name: v.Name, Before: &v})
		}
	}
	return changes
}

// like gives a definition what the one in force has where a file does not say it, or says it in another way that comes to the
// same.
func like(is, to catalog.Definition) catalog.Definition {
	if to.Lookback == "" && to.Watermark == is.Watermark { // it was found when the query was described
		to.Lookback = is.Lookback
	}
	if !to.Guarded() { // it has no meaning
		to.AllowShrink = is.AllowShrink
	}
	if sameQuery(to.Query, is.Query) {
		to.Query = is.Query
	}
	return to
}

// sameQuery says whether two queries differ in blanks around them at most.
func sameQuery(a, b string) bool { return strings.Trim(a, blanks) == strings.Trim(b, blanks) }

// returnsOthers says whether another query is asked, or elsewhere.
func (c Change) returnsOthers() bool {
	return c.Kind == Changed && (c.Before.Query != c.After.Query || c.Before.Kind != c.After.Kind || c.Before.LinkName != c.After.LinkName)
}

// definitions are what the files make of their views; of those in which something is wrong, there is none.
func (p *Project) definitions() (all map[*View]*catalog.Definition, problems Problems) {
	all = map[*View]*catalog.Definition{}
	for _, v := range p.Views {
		d, err := p.definition(v)
		switch {
		case err != nil:
			problems = append(problems, v.problem(0, message(err), infra.Hint(err)))
		case v.Runs == FromRedshift && d.LinkName == "":
			problems = append(problems, v.problem(0, "it reads Redshift, and nothing says through which link",
				"Write @link NAME into its header, or link: NAME below defaults: in "+ConfigName+"."))
		default:
			all[v] = &d
		}
	}
	p.derive(all)
	return all, problems
}

// definition is what a file makes of a view.
func (p *Project) definition(v *View) (catalog.Definition, error) {
	under, draft := p.Config.Defaults, v.Draft
	if v.Runs == FromCache { // what is said for all says nothing of how it is read
		kind := v.Runs.Kind()
		draft.Kind = &kind
		under.Link, under.NulBytes, under.Transport, under.SkipUnchanged, under.ReadyWhen = nil, nil, nil, nil, nil
		under.Split, under.Sessions, under.Strategy, under.Watermark, under.Lookback = nil, nil, nil, nil, nil
	}
	if draft.Strategy != nil {
		if its, _ := draft.Strategy.Traits(); its.Rowless { // nor of rows that are not kept
			under.Key, under.Indexes, under.RefreshEvery, under.AllowShrink, under.Checks = nil, nil, nil, nil, nil
		}
	}
	return draft.Over(under).Define()
}

func message(err error) string {
	if invalid, ok := errors.AsType[*catalog.InvalidError](err); ok {
		return invalid.Problem
	}
	return err.Error()
}

// Apply are the changes as the engine makes them: all that is not as it is to be.
func Apply(changes []Change) (list []refresh.Change) {
	for _, c := range changes {
		switch c.Kind {
		case Unchanged:
		case Removed:
			list = append(list, refresh.Change{Name: c.Name, Drop: true})
		default:
			list = append(list, refresh.Change{Name: c.Name, Add: c.Kind == Added, Define: func(v *catalog.View) error {
				v.Name, v.Definition = c.Name, c.After
				return nil
			}})
		}
	}
	return list
}

// Compile are the changes of a whole project, in which each view is described, whether it is there or not.
func Compile(changes []Change) (list []refresh.Change) {
	for _, c := range changes {
		c.Kind = Changed
		if c.Before == nil {
			c.Kind = Added
		}
		list = append(list, Apply([]Change{c})...)
	}
	return list
}
