package health

import (
	"errors"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

func (f Facts) command(verb string, args ...string) string {
	return infra.Command(append([]string{"cachectl", verb, f.View.Name.String()}, args...)...)
}

func invalid(f Facts) *Verdict {
	wrong, is := errors.AsType[*catalog.InvalidError](f.View.CheckStored())
	if !is {
		return nil
	}
	return &Verdict{
		Cause: Invalid, Sentence: "it cannot be refreshed: " + wrong.Problem,
		Next: "use the version that has defined it, or " + f.command("alter-view") + ": " + wrong.Fix,
	}
}

func broken(f Facts) *Verdict {
	if f.Problem == "" {
		return nil
	}
	return &Verdict{
		Cause: Broken, Sentence: "readers do not find what is refreshed: " + f.Problem,
		Next: f.command("refresh") + " mends what can be mended, or says what somebody has to decide",
	}
}

func ahead(f Facts) *Verdict {
	if f.Age == nil || *f.Age >= 0 {
		return nil
	}
	return &Verdict{
		Cause: Ahead, Sentence: "its as-of is from the future: the clock of the cache database has been set back since",
		Next: f.command("refresh") + " reads it in full, and so does its next refresh",
	}
}

func changing(f Facts) *Verdict {
	if f.Changing == nil {
		return nil
	}
	return &Verdict{
		Cause: Changing, Sentence: "it is being changed, for " + brief(f.Changing.Age) + "; readers have the rows of before until that is done",
		Evidence: []string{f.Changing.String()}, Next: "wait; `cachectl locks` shows who is at it",
	}
}

func resting(f Facts) *Verdict {
	if f.Link.RestUntil == nil || !f.Link.RestUntil.After(f.Now) {
		return nil
	}
	v := Verdict{
		Cause: Resting, Health: Warning, Sentence: "its link " + f.View.Link.Name + " rests until " + clock(*f.Link.RestUntil),
		Next: "make the cluster available again; " + infra.Command("cachectl", "link", "test", f.View.Link.Name) + " says whether it is",
	}
	if f.Link.RestReason != nil {
		v.Sentence += ": " + *f.Link.RestReason
	}
	return &v
}

// refreshing is of a run whose process lives: one that was killed leaves its run behind, and no lock.
func refreshing(f Facts) *Verdict {
	if f.Running == nil || f.Holder == nil {
		return nil
	}
	v := Verdict{
		Cause: Refreshing, Sentence: "a refresh is under way, for " + brief(f.Now.Sub(f.Running.StartedAt)),
		Evidence: []string{"by " + f.Holder.String()}, Next: "wait; `cachectl locks` shows who waits for what",
	}
	if took := f.took(); took > 0 {
		v.Evidence = append(v.Evidence, "the last one took "+brief(took))
	}
	return &v
}

func (f Facts) took() time.Duration {
	if f.LastRun == nil {
		return 0
	}
	return f.LastRun.Took()
}

func held(f Facts) *Verdict {
	if f.Holder == nil {
		return nil
	}
	return &Verdict{
		Cause: Held, Health: Warning, Sentence: "it is locked by " + f.Holder.String() + ", who does not refresh it",
		Next: "wait until that has ended, or end it; `cachectl locks` shows it",
	}
}

// grace is for how long a view may be due before somebody is asked why.
const grace = time.Minute

func unattended(f Facts) *Verdict {
	if f.NextDue == nil || f.Now.Sub(*f.NextDue) <= grace {
		return nil
	}
	v := Verdict{
		Cause: Unattended, Health: Warning, Sentence: "it is due for " + brief(f.Now.Sub(*f.NextDue)) + ", and nobody refreshes it: ",
		Next: "start a worker, or see whether the Lambdas run",
	}
	switch {
	case f.Scheduled == nil:
		v.Sentence += "no worker or Lambda has begun a refresh yet"
	case f.Scheduled.Before(*f.NextDue):
		v.Sentence += "no worker or Lambda has begun a refresh since " + clock(*f.Scheduled)
	default:
		v.Sentence += "workers or Lambdas are behind"
		v.Next = "`cachectl locks` shows what they are at"
	}
	return &v
}

func empty(f Facts) *Verdict {
	if f.Generation != nil {
		return nil
	}
	return &Verdict{Cause: Empty, Sentence: "it was never refreshed: who reads it gets an error", Next: f.command("refresh")}
}

func onDemand(f Facts) *Verdict {
	if f.View.RefreshEvery > 0 {
		return nil
	}
	v := Verdict{Cause: OnDemand, Sentence: "it has no interval: it is refreshed on demand only"}
	if f.Stale {
		v.Next = f.command("alter-view", "--every", catalog.FormatDuration(min(5*time.Minute, f.View.MaxAge/2))) + ", or " + f.command("refresh")
	}
	return &v
}

func seldom(f Facts) *Verdict {
	if !f.Stale {
		return nil
	}
	v := Verdict{
		Cause: Seldom, Sentence: "it is refreshed every " + brief(f.View.RefreshEvery) + ", which is too seldom or takes too long",
		Next: "lower --every, promise less with --max-age, or read less with --watermark",
	}
	if took := f.took(); took > 0 {
		v.Evidence = []string{"the last refresh took " + brief(took)}
	}
	return &v
}

func unchanged(f Facts) *Verdict {
	if f.LastRun == nil || f.LastRun.State != catalog.Unchanged {
		return nil
	}
	v := Verdict{Cause: Unchanged, Sentence: "it is fresh, and its source has not moved"}
	for _, r := range f.Runs {
		if r.State == catalog.Succeeded && r.AsOf != nil {
			v.Sentence += " since " + clock(*r.AsOf)
			break
		}
	}
	if f.LastRun.Reason != nil {
		v.Evidence = []string{*f.LastRun.Reason}
	}
	return &v
}

func fresh(f Facts) *Verdict {
	v := Verdict{Cause: Fresh, Sentence: "it is fresh"}
	if f.NextDue != nil {
		v.Evidence = []string{"it is due next at " + clock(*f.NextDue)}
	}
	return &v
}
