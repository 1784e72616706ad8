package main

import (
	"fmt"

	"github.com/redcache/redcache/catalog"
)

// note prints the remark that a run has left, if any.
func (s *connection) note(r catalog.Run) {
	if r.Note != "" {
		s.tell("note: %s: %s", r.View, r.Note)
	}
}

// printOutcomes prints a line for each run.
func (p *program) printOutcomes(runs []catalog.Run) error {
	for _, r := range runs {
		if err := p.printf("%s: %s\n", r.View, outcome(r)); err != nil {
			return err
		}
	}
	return nil
}

// outcome says in a few words what a run did, and the reason if there is one.
func outcome(r catalog.Run) string {
	what := string(r.State)
	switch {
	case r.Unready():
		return "skipped, " + text(r.Reason)
	case r.State == catalog.Skipped:
		return "skipped, held by " + text(r.Holder)
	case r.RowsRead != nil:
		what = fmt.Sprintf("%s read, %s inserted, %s updated, %s deleted",
			count(*r.RowsRead, "row", "rows"), text(r.RowsInserted), text(r.RowsUpdated), text(r.RowsDeleted))
	}
	what += " in " + brief(r.Took())
	if r.Reason != nil {
		what += " (" + *r.Reason + ")"
	}
	return what
}
