package refresh

import (
	"fmt"
	"strings"
	"time"

	"github.com/redcache/redcache/catalog"
)

// Request asks for one refresh.
type Request struct {
	View        catalog.Name     // the others of its group are refreshed with it
	Strategy    catalog.Strategy // instead of what the definition says; empty: as defined
	Whole       bool             // read everything, whatever the watermark says, and whatever may prove it pointless
	AllowShrink int              // percent of the rows that may go, if that is more than the definition says
	Wait        time.Duration    // how long to wait for the view's lock; zero: not at all
	OnlyIfDue   bool             // do nothing when the view is no longer due once it is locked
	Progress    func(Phase)      // told what the refresh is at; may be nil, must not block
}

// Phase is what a refresh is at, for progress displays.
type Phase string

// The phases, in order.
const (
	Locking    Phase = "waiting for the lock"
	Queueing   Phase = "waiting for a slot of the link"
	Connecting Phase = "connecting to Redshift"
	Loading    Phase = "loading"
	Publishing Phase = "waiting for a moment without readers"
	Committing Phase = "committing"
)

// checkRequest refuses what the view's generation cannot do.
func checkRequest(v catalog.View, req Request) error {
	invalid := func(problem, change string) error {
		return &catalog.InvalidError{
			What: "refresh view " + v.Name.String(), Problem: problem,
			Fix: "change the view with " + altering(v.Name, strings.Fields(change)...),
		}
	}
	if err := v.CheckStored(); err != nil {
		return err
	}
	its, _ := v.Strategy.Traits()
	asked, known := req.Strategy.Traits()
	switch {
	case req.Strategy == "", req.Strategy == v.Strategy:
		return nil
	case v.Group != "":
		return &catalog.InvalidError{
			What: "refresh view " + v.Name.String(), Problem: "the views of group " + v.Group + " are refreshed as they are defined",
			Fix: "leave --strategy out",
		}
	case !known, asked.Materialized != its.Materialized, asked.Rowless != its.Rowless, asked.Watermark:
		return invalid(fmt.Sprintf("its strategy is %s, and its rows are not kept as %s needs it", v.Strategy, req.Strategy),
			"--strategy "+string(req.Strategy))
	case its.Watermark:
		return invalid(fmt.Sprintf("its strategy is %s, and its watermark must go on", v.Strategy), "--strategy "+string(req.Strategy))
	case !v.Meets(req.Strategy):
		return invalid(fmt.Sprintf("strategy %s needs a key", req.Strategy), "--key COLUMNS")
	}
	return nil
}
