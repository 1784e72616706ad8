package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/redcache/redcache/catalog"
)

// tally is what a history counts.
type tally struct {
	histories, steps, differences, left int
	reads                               int64
	faults                              map[string]int
	runs                                map[string]map[catalog.RunState]int // by strategy and transport
	altered, refused                    int
	changes, deeds                      map[string]int // of the source, and what else was done
	slowest                             slowStep
}

// slowStep is a step that took long.
type slowStep struct {
	seed uint64
	step int
	took time.Duration
}

func newTally() tally {
	return tally{
		faults: map[string]int{}, changes: map[string]int{}, deeds: map[string]int{},
		runs: map[string]map[catalog.RunState]int{},
	}
}

func (t *tally) count(r result) {
	if r.altered {
		if r.err == nil {
			t.altered++
		} else {
			t.refused++
		}
	}
	if r.run.ID <= 0 {
		return
	}
	for _, run := range append([]catalog.Run{r.run}, r.run.Others...) {
		how := string(run.Strategy)
		if run.Transport != nil {
			how += " by " + string(*run.Transport)
		}
		if t.runs[how] == nil {
			t.runs[how] = map[catalog.RunState]int{}
		}
		t.runs[how][run.State]++
	}
}

// summary is what all histories came to.
type summary struct {
	mu    sync.Mutex
	began time.Time
	seed  uint64
	all   tally
}

func (s *summary) add(t tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all.faults == nil {
		s.all = newTally()
	}
	s.all.histories += t.histories
	s.all.steps += t.steps
	s.all.differences += t.differences
	s.all.left += t.left
	s.all.reads += t.reads
	s.all.altered += t.altered
	s.all.refused += t.refused
	if t.slowest.took > s.all.slowest.took {
		s.all.slowest = t.slowest
	}
	addUp(s.all.faults, t.faults)
	addUp(s.all.changes, t.changes)
	addUp(s.all.deeds, t.deeds)
	for how, states := range t.runs {
		if s.all.runs[how] == nil {
			s.all.runs[how] = map[catalog.RunState]int{}
		}
		for state, n := range states {
			s.all.runs[how][state] += n
		}
	}
}

func addUp(all, more map[string]int) {
	for what, n := range more {
		all[what] += n
	}
}

// clean says whether nothing was found.
func (s *summary) clean() bool { return s != nil && s.all.differences == 0 && s.all.left == 0 }

// outcomes are the columns of the summary.
var outcomes = []catalog.RunState{catalog.Succeeded, catalog.Unchanged, catalog.Failed, catalog.Canceled, catalog.Skipped}

func (s *summary) print(w io.Writer) {
	fmt.Fprintf(w, "soak: %s from seed %d: %d histories, %d steps, %d looks of readers\n\n",
		time.Since(s.began).Round(time.Second), s.seed, s.all.histories, s.all.steps, s.all.reads)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "refreshes\t")
	for _, state := range outcomes {
		fmt.Fprintf(table, "%s\t", state)
	}
	fmt.Fprintln(table)
	for _, how := range slices.Sorted(maps.Keys(s.all.runs)) {
		fmt.Fprintf(table, "%s\t", how)
		for _, state := range outcomes {
			fmt.Fprintf(table, "%d\t", s.all.runs[how][state])
		}
		fmt.Fprintln(table)
	}
	_ = table.Flush()
	fmt.Fprintf(w, "\ndefinitions: %d altered, %d refused\n", s.all.altered, s.all.refused)
	for _, part := range []struct {
		title  string
		counts map[string]int
	}{{"faults", s.all.faults}, {"the source", s.all.changes}, {"beside refreshes", s.all.deeds}} {
		fmt.Fprintf(w, "%s:\n", part.title)
		for _, what := range slices.Sorted(maps.Keys(part.counts)) {
			fmt.Fprintf(w, "%6d times %s\n", part.counts[what], what)
		}
	}
	slow := s.all.slowest
	fmt.Fprintf(w, "the slowest step took %s: step %d of seed %d\n", slow.took.Round(time.Millisecond), slow.step, slow.seed)
	fmt.Fprintf(w, "\n%d differences, %d locks and other things left behind\n", s.all.differences, s.all.left)
}
