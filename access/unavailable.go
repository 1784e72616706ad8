package access

import (
	"fmt"
	"strings"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra/cloud"
)

// UnavailableError says that a link's cluster takes no connections now, as AWS says or said a moment ago. No connection
// is tried meanwhile. All methods of a [Keeper] that look at a cluster return it.
type UnavailableError struct {
	Link    string
	Status  string // what is the matter, as a clause: cluster prod is paused
	Passing bool   // it comes back by itself

	left time.Duration // until somebody may look again
}

// Error says which link has to do without its cluster, and why.
func (e *UnavailableError) Error() string { return "link " + e.Link + ": " + e.Status }

// Hint says what to do.
func (e *UnavailableError) Hint() string {
	switch {
	case e.Passing:
		return "It comes back by itself. Until then the link's views keep their rows, and are refreshed afterwards."
	case strings.HasSuffix(e.Status, " is paused"):
		return "Resume it: `aws redshift resume-cluster`. The link's views keep their rows; within a minute after the " +
			"cluster is back they are refreshed again."
	}
	return "See what AWS says of it. The link's views keep their rows; within a minute after it is back they are " +
		"refreshed again."
}

// unavailable is what to say of an endpoint that takes no connections.
func unavailable(l catalog.Link, e cloud.Endpoint, left time.Duration) *UnavailableError {
	what := "cluster " + l.Cluster
	if l.Workgroup != "" {
		what = "workgroup " + l.Workgroup
	}
	return &UnavailableError{
		Link: l.Name, Status: fmt.Sprintf("%s is %s", what, strings.ToLower(e.Status)),
		Passing: e.State == cloud.Passing, left: left,
	}
}
