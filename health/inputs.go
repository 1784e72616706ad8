package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redcache/redcache/catalog"
)

// waiting tells for which inputs, and lets these say why they are late.
func waiting(f Facts) *Verdict {
	if len(f.Awaited) == 0 {
		return nil
	}
	v := Verdict{Cause: Waiting, Health: Warning, Sentence: "it waits for " + strings.Join(f.Awaited, ", ") + ", from which it is computed"}
	if f.NextDue != nil {
		v.Sentence += ", since " + clock(*f.NextDue)
	}
	for _, input := range f.Inputs {
		if !slices.ContainsFunc(f.Awaited, input.is) {
			continue
		}
		input = input.kept()
		why := Of(input)
		v.Evidence = append(v.Evidence, input.View.Name.String()+": "+why.Sentence)
		if v.Next == "" {
			v.Next = why.Next
		}
		if v.Next == "" {
			v.Next = input.command("refresh")
		}
	}
	return &v
}

// is says whether a view has this name, however it is quoted.
func (f Facts) is(name string) bool {
	parsed, err := catalog.ParseName(name)
	return err == nil && parsed == f.View.Name
}

// isUnready says whether the last refresh has found the source not ready.
func (f Facts) isUnready() bool {
	return f.Status.Unready != nil && f.LastRun != nil && f.LastRun.Unready()
}

// unready is of a view whose source has nothing to read yet, as it says by the view's own condition.
func unready(f Facts) *Verdict {
	if !f.isUnready() {
		return nil
	}
	v := Verdict{
		Cause: Unready, Health: Warning, Sentence: "its source is not ready since " + clock(*f.Status.Unready),
		Next: "see on Redshift why; as soon as it is ready, " + f.command("refresh"),
	}
	if f.LastRun.Reason != nil {
		v.Sentence += ": " + strings.TrimPrefix(*f.LastRun.Reason, "the source is not ready: ")
	}
	if f.Failures > 0 {
		v.Evidence = append(v.Evidence, fmt.Sprintf("before that, %d refreshes in a row had failed", f.Failures))
	}
	if f.NextDue != nil {
		v.Evidence = append(v.Evidence, "it is asked again at "+clock(*f.NextDue))
		v.Next = "wait, or see on Redshift why"
	}
	if f.View.ReadyWhen == "" { // a member of its group is asked, which the reason names
		v.Next += "; that view without its --ready-when has the group read without being asked"
	} else {
		v.Next += "; " + f.command("alter-view", "--ready-when", "") + " has it read without being asked"
	}
	return &v
}

// inheriting is of a local view that is as old as the oldest of its inputs, which is too old.
func inheriting(f Facts) *Verdict {
	if !f.Stale {
		return nil
	}
	for _, input := range f.Inputs {
		if input.Age == nil || *input.Age <= f.View.MaxAge {
			continue
		}
		kept := input.kept()
		why := Of(kept)
		next := why.Next
		if next == "" {
			next = kept.command("alter-view", "--every", catalog.FormatDuration(max(f.View.MaxAge/2, time.Second)))
		}
		return &Verdict{
			Cause: Inheriting, Sentence: fmt.Sprintf("it is computed from %s, which is %s old", input.View.Name, brief(*input.Age)),
			Evidence: []string{kept.View.Name.String() + ": " + why.Sentence}, Next: next,
		}
	}
	return nil
}

func rowless(f Facts) *Verdict {
	if !f.View.Rowless() {
		return nil
	}
	v := Verdict{Cause: Rowless, Sentence: "it keeps no rows, and is as fresh as what it reads"}
	for _, input := range f.Inputs {
		why := Of(input)
		v.Evidence = append(v.Evidence, input.View.Name.String()+": "+why.Sentence)
	}
	return &v
}
