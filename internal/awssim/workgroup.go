package awssim

import (
	"time"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// Workgroup ties a workgroup of Redshift Serverless to a stand-in.
func (a *AWS) Workgroup(name string, server *redshiftsim.Server) *Cluster {
	c := a.newCluster(name, server, "AVAILABLE")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.groups[name] = c
	return c
}

func (a *AWS) workgroupOf(r *request) (*Cluster, *refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.groups[r.text("workgroupName")]
	if c == nil || r.region != Region {
		return nil, refuse("ResourceNotFoundException", "Workgroup %s not found", r.text("workgroupName"))
	}
	return c, nil
}

func (a *AWS) workgroupCredentials(r *request) (any, *refusal) {
	c, refused := a.workgroupOf(r)
	if refused != nil {
		return nil, refused
	}
	user := a.caller()
	password, expires, refused := c.issue(user, "", r.text("dbName"), r.number("durationSeconds", 900))
	if refused != nil {
		return nil, &refusal{refused.status, "ValidationException", refused.message}
	}
	return map[string]any{
		"dbUser": user, "dbPassword": password, "expiration": epoch(expires), "nextRefreshTime": epoch(expires),
	}, nil
}

// epoch is a time in JSON.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func (a *AWS) getWorkgroup(r *request) (any, *refusal) {
	c, refused := a.workgroupOf(r)
	if refused != nil {
		return nil, refused
	}
	d := c.description()
	return map[string]any{"workgroup": map[string]any{
		"workgroupName": c.id, "status": d.Status, "endpoint": c.endpoint(d),
		"workgroupId":  "9c1e7a52-0000-4000-8000-000000000000",
		"workgroupArn": "arn:aws:redshift-serverless:" + Region + ":" + Account + ":workgroup/9c1e7a52-0000-4000-8000-000000000000",
	}}, nil
}
