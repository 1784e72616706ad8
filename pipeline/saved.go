package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// Saved is a plan as it is kept in a file: what is to become of each view, and what all that was decided on.
type Saved struct {
	Version int         `json:"redcache_plan"` // of this form
	Views   []SavedView `json:"views"`
}

// savedVersion is that of the form of plans in files.
const savedVersion = 1

// SavedView is what is to become of a view.
type SavedView struct {
	catalog.Name
	Change     Kind                `json:"change"`
	File       string              `json:"file"`
	Base       *Base               `json:"base"`       // null: it is added
	Definition *catalog.Definition `json:"definition"` // null: it is removed
	Columns    []catalog.Column    `json:"columns"`    // that it is to have, of one that changes
}

// Base is what a view was when the plan was made.
type Base struct {
	ID         int32     `json:"id"`
	ChangedAt  time.Time `json:"changed_at"`
	Definition string    `json:"definition"` // its hash
}

// Save makes of a plan what [ReadSaved] reads.
func Save(planned []Planned) Saved {
	s := Saved{Version: savedVersion, Views: []SavedView{}}
	for _, p := range planned {
		v := SavedView{Name: p.Name, Change: p.Kind, File: p.File, Columns: p.Columns}
		if p.Before != nil {
			v.Base = &Base{p.Before.ID, p.Before.ChangedAt.UTC(), p.Before.Definition.Hash()}
		}
		if p.Kind != Removed {
			v.Definition = &p.After
		}
		s.Views = append(s.Views, v)
	}
	return s
}

// ReadSaved reads what Save has made.
func ReadSaved(r io.Reader) (s Saved, err error) {
	err = json.NewDecoder(r).Decode(&s)
	switch {
	case err == nil && s.Version > savedVersion:
		err = fmt.Errorf("it is a plan of form %d, and this version knows form %d", s.Version, savedVersion)
	case err != nil || s.Version != savedVersion || slices.ContainsFunc(s.Views, SavedView.contradictory):
		err = errors.New("it is no plan")
	}
	if err != nil {
		return s, infra.Hinted(err, "`cachectl plan DIR --out FILE` writes plans.")
	}
	return s, nil
}

// contradictory says whether nobody has saved it so.
func (v SavedView) contradictory() bool {
	return v.View == "" || v.Schema == "" || (v.Base == nil) != (v.Change == Added) || (v.Definition == nil) != (v.Change == Removed) ||
		!slices.Contains([]Kind{Added, Changed, Removed, Unchanged, Recomputed}, v.Change)
}

// Compare holds a plan against the views that are there, and refuses where one of them is not what it was.
func (s Saved) Compare(live []catalog.View) (changes []Change, err error) {
	var moved []string
	for _, v := range s.Views {
		c := Change{Kind: v.Change, Name: v.Name, File: v.File}
		if at := slices.IndexFunc(live, func(is catalog.View) bool { return is.Name == v.Name }); at >= 0 {
			c.Before = &live[at]
		}
		if what := v.moved(c.Before); what != "" {
			moved = append(moved, what)
		}
		if v.Definition != nil {
			c.After = *v.Definition
		}
		changes = append(changes, c)
	}
	return changes, movedError(moved)
}

// Judge refuses where what the changes come to by now is not what was planned.
func (s Saved) Judge(described []refresh.Described) error {
	var moved []string
	for _, d := range described {
		at := slices.IndexFunc(s.Views, func(v SavedView) bool { return v.Name == d.Name })
		if at < 0 {
			continue // it gets new rows with its group, and stays as it is otherwise
		}
		what := s.Views[at].moved(d.Before)
		if what == "" && d.After != nil && !slices.Equal(d.After.Columns, s.Views[at].Columns) {
			what = d.Name.String() + " would get other columns by now"
		}
		if what != "" {
			moved = append(moved, what)
		}
	}
	return movedError(moved)
}

// moved says how a view is not what the plan was made for; empty when it is.
func (v SavedView) moved(now *catalog.View) string {
	switch name := v.Name.String(); {
	case v.Base == nil && now != nil:
		return name + " has been added"
	case v.Base != nil && now == nil:
		return name + " has been dropped"
	case v.Base != nil && now.ID != v.Base.ID:
		return name + " has been dropped and added again"
	case v.Base != nil && (!now.ChangedAt.Equal(v.Base.ChangedAt) || now.Definition.Hash() != v.Base.Definition):
		return name + " has changed"
	}
	return ""
}

func movedError(moved []string) error {
	if moved == nil {
		return nil
	}
	return infra.Hinted(errors.New("since the plan was made: "+strings.Join(moved, "; ")), "Nothing has changed. Plan again, and look at what that says.")
}
