package refresh

import (
	"fmt"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
)

// CheckError says which checks the rows have not passed, that readers were to see.
type CheckError struct{ Failed []Offence }

// Offence is what is wrong with rows by one rule.
type Offence struct {
	Rule  catalog.Rule
	Told  string // how much
	Shown string // values of the rows; empty: none
}

// Error has all of them.
func (e *CheckError) Error() string { return e.told(Offence.Error) }

// Public is the same without values of rows.
func (e *CheckError) Public() string { return e.told(Offence.Public) }

func (e *CheckError) told(one func(Offence) string) string {
	texts := make([]string, len(e.Failed))
	for i, o := range e.Failed {
		texts[i] = one(o)
	}
	return strings.Join(texts, "; ")
}

// Hint says that nothing is lost, and how to get rows.
func (e *CheckError) Hint() string {
	return "Nothing has changed. Mend the rows in the source; " + otherChecks
}

// otherChecks is the way out where it is the check that is wrong.
const otherChecks = "or ask for less: --check says all checks of a view anew, as @check in its file does, and --check '' that it has none."

// Error says it with values of rows.
func (o Offence) Error() string { return o.Public() + o.Shown }

// Public says it without.
func (o Offence) Public() string {
	verb := "failed"
	if o.Rule.Warns {
		verb = "warns"
	}
	return fmt.Sprintf("check %s %s: %s", infra.Printable(o.Rule.Text()), verb, o.Told)
}

// unchecked says of which checks it is not known whether the rows pass them, and why.
func (w *viewWork) unchecked(err error, rules ...catalog.Rule) error {
	if err == nil {
		return nil
	}
	texts := make([]string, len(rules))
	for i, r := range rules {
		texts[i] = infra.Printable(r.Text())
	}
	doing := infra.Bounded("check " + strings.Join(texts, " and "))
	class := redshift.Classify(err)
	if class != redshift.Never && class != redshift.Canceled {
		return wrap(err, doing)
	}
	if redshift.ServerCode(err, redshift.Here) != "" {
		err = timedOut(w.view, redshift.Explained(err, doing))
	} else {
		err = wrap(err, doing)
	}
	return infra.Hinted(err, strings.TrimSpace(infra.Hint(err)+" Mend what is in the way; "+otherChecks))
}
