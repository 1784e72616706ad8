package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redcache/redcache/sql"
)

// Silence is for how long, by default, nobody has to have said that he is still building a set before it is taken for left
// behind.
const Silence = time.Minute

// PendingSet is a set that has not taken effect: somebody is building it, or whoever was has ended.
type PendingSet struct {
	ID          int32
	Application string        // of whoever has begun it
	Age         time.Duration // since then
	Silent      time.Duration // for how long nobody has said that he is at it
	Held        bool          // somebody has its lock
	Views       []PendingView // by id
}

// PendingView is a view that a set adds or changes.
type PendingView struct {
	ID int32 `json:"id"`
	Name
	Added  bool   `json:"added"` // nobody sees it before the set takes effect
	LinkID int32  `json:"link"`  // that it is to be read through; zero: none
	Group  string `json:"group"` // that it is to be in; empty: none

	Reshapes bool   `json:"reshapes"` // it is there, and is to return other columns
	Inputs   []Name `json:"inputs"`   // that it is to be computed from
}

// PendingSets returns the sets that have not taken effect, the oldest first.
func (s Store) PendingSets(ctx context.Context) ([]PendingSet, error) {
	sets, err := collect[PendingSet](ctx, s.db, sql.PendingSets)
	if err != nil {
		return nil, fmt.Errorf("look for what is being built: %w", err)
	}
	return sets, nil
}

// Adding returns the set that is to add a view; nil when there is none.
func (s Store) Adding(ctx context.Context, view Name) (*PendingSet, error) {
	return s.pending(ctx, func(p PendingSet) bool { return p.adds(view) })
}

// PendingSet returns a set; nil when there is none, or when it has taken effect.
func (s Store) PendingSet(ctx context.Context, set int32) (*PendingSet, error) {
	return s.pending(ctx, func(p PendingSet) bool { return p.ID == set })
}

// pending returns the oldest such set.
func (s Store) pending(ctx context.Context, is func(PendingSet) bool) (*PendingSet, error) {
	sets, err := s.PendingSets(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(sets, is)
	if i < 0 {
		return nil, nil
	}
	return &sets[i], nil
}

// Regroups says whether a view of a group is to be in it, or the group gets one.
func (p PendingSet) Regroups(group string) bool {
	return group != "" && slices.ContainsFunc(p.Views, func(v PendingView) bool { return v.Group == group })
}

// Has says whether it adds or changes a view.
func (p PendingSet) Has(view Name) bool {
	return slices.ContainsFunc(p.Views, func(v PendingView) bool { return v.Name == view })
}

// Reads says whether it makes a view be computed from this one.
func (p PendingSet) Reads(view Name) bool {
	return slices.ContainsFunc(p.Views, func(v PendingView) bool { return slices.Contains(v.Inputs, view) })
}

// Reshapes says whether it has a view that is there return other columns.
func (p PendingSet) Reshapes(view Name) bool {
	return slices.ContainsFunc(p.Views, func(v PendingView) bool { return v.Name == view && v.Reshapes })
}

func (p PendingSet) adds(view Name) bool {
	return slices.ContainsFunc(p.Views, func(v PendingView) bool { return v.Name == view && v.Added })
}

// pauses is longer than anybody takes between two transactions in which he has his set's lock.
const pauses = 2 * time.Second

// Pause is how much longer a set may be without its lock and somebody still be at it.
func (p PendingSet) Pause() time.Duration { return pauses - p.Silent }

// UnderWay says whether somebody is at it, as far as that can be told.
func (p PendingSet) UnderWay() bool { return p.Held || p.Pause() > 0 }

// LeftBehind says whether it is to be dropped.
func (p PendingSet) LeftBehind() bool { return !p.Held && p.Silent >= Silence }

// String says who does what, and since when: cachectl ann@host:12 adds bi.sales and changes bi.items, for 3s.
func (p PendingSet) String() string {
	who := cmp.Or(p.Application, "somebody")
	if p.UnderWay() {
		return fmt.Sprintf("%s %s, for %s", who, p.Deed(), rounded(p.Age))
	}
	return fmt.Sprintf("%s %s: that began %s ago, and nothing was heard of it for %s", who, p.Deed(), rounded(p.Age), rounded(p.Silent))
}

func rounded(d time.Duration) string { return FormatDuration(d.Round(time.Second)) }

// Deed says what it comes to: adds bi.sales and changes bi.items.
func (p PendingSet) Deed() string {
	var deeds []string
	for _, kind := range []struct {
		verb  string
		added bool
	}{{"adds ", true}, {"changes ", false}} {
		var names []string
		for _, v := range p.Views {
			if v.Added == kind.added {
				names = append(names, v.Name.String())
			}
		}
		if names != nil {
			deeds = append(deeds, kind.verb+joinSome(names, 5))
		}
	}
	if deeds == nil {
		return "changes nothing any more" // its views were dropped
	}
	return strings.Join(deeds, " and ")
}

// advice says what to do when it is in the way.
func (p PendingSet) advice() string {
	if p.UnderWay() {
		return "wait until that has ended, or stop it; `cachectl locks` shows who is at it"
	}
	return "what a process has left behind that has ended goes by itself, with the next change of a definition or by a worker, " +
		"once nothing was heard of it for " + FormatDuration(Silence)
}
