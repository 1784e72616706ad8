package health

import (
	"fmt"
	"slices"
	"time"

	"github.com/redcache/redcache/catalog"
)

// failing tells one fault that comes again from several.
func failing(f Facts) *Verdict {
	if f.Failures == 0 || f.isUnready() { // what came of it last speaks
		return nil
	}
	faults, since := f.faults()
	v := Verdict{Cause: Failing, Health: Warning, Sentence: "its last refresh failed", Next: f.command("runs") + " shows why"}
	if f.Failures > 1 {
		v.Sentence = fmt.Sprintf("its last %d refreshes failed", f.Failures)
	}
	if len(faults) > 0 {
		v.Sentence += map[bool]string{true: ", with different faults, at last: ", false: ": "}[len(faults) > 1] + faults[0]
	}
	if since != nil {
		v.Evidence = append(v.Evidence, "since "+clock(*since))
	}
	if f.Running != nil && f.Holder != nil {
		v.Evidence = append(v.Evidence, "another try is under way, for "+brief(f.Now.Sub(f.Running.StartedAt)))
	} else if f.NextDue != nil {
		v.Evidence = append(v.Evidence, "the next try is due at "+clock(*f.NextDue))
	}
	if f.LastRun != nil && f.LastRun.Hint != nil {
		v.Next = *f.LastRun.Hint
	}
	return &v
}

// faults are what the last refreshes have failed with, each once, the newest first, and when the first of them began.
func (f Facts) faults() (faults []string, since *time.Time) {
	runs := f.Runs
	if len(runs) == 0 && f.LastRun != nil {
		runs = []catalog.Run{*f.LastRun}
	}
	for _, r := range runs {
		if r.State.Succeeds() {
			break
		}
		if r.State != catalog.Failed {
			continue
		}
		since = &r.StartedAt
		if r.Error != nil && !slices.Contains(faults, *r.Error) {
			faults = append(faults, *r.Error)
		}
	}
	return faults, since
}
