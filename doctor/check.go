package doctor

import "fmt"

// Result is how a check came out.
type Result string

// The results.
const (
	OK      Result = "ok"
	Warning Result = "warning" // works now, and can hurt
	Failed  Result = "failed"  // something does not work, or a promise is broken
	Unknown Result = "unknown" // could not be found out
)

// Theme is what a check is about, in the order in which checks are made.
type Theme string

// The themes.
const (
	Database    Theme = "cache database"
	Settings    Theme = "settings"
	Replication Theme = "replication"
	Storage     Theme = "storage"
	Links       Theme = "links"
	Views       Theme = "views"
	Rights      Theme = "rights"
)

// Check is one check with its result. A check that has nothing to object to is one value, with the result [OK]; one
// that has is a value for each object that it objects to.
type Check struct {
	ID      string // names the check, and its section in docs/doctor.md
	Theme   Theme
	About   string // what was looked at: "cache database", "link dw", "view bi.sales"
	Result  Result
	Finding string
	Fix     string // what to do about it; empty where there is nothing to do
}

// Docs is where the check is explained.
func (c Check) Docs() string { return "docs/doctor.md#" + c.ID }

const cacheDatabase = "cache database"

func ok(about, finding string, args ...any) Check {
	return Check{About: about, Result: OK, Finding: fmt.Sprintf(finding, args...)}
}

// warn, fail and unknown make a check whose finding and fix the caller writes.
func warn(about, finding, fix string) Check {
	return Check{About: about, Result: Warning, Finding: finding, Fix: fix}
}

func fail(about, finding, fix string) Check {
	return Check{About: about, Result: Failed, Finding: finding, Fix: fix}
}

func unknown(about, finding, fix string) Check {
	return Check{About: about, Result: Unknown, Finding: finding, Fix: fix}
}

// orOK returns the objections, or what is to be said when there are none.
func orOK(objections []Check, about, finding string, args ...any) []Check {
	if len(objections) > 0 {
		return objections
	}
	return []Check{ok(about, finding, args...)}
}
