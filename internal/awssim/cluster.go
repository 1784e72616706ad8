package awssim

import (
	"crypto/rand"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// Cluster is a provisioned cluster or a workgroup, tied to the stand-in that its clients really talk to.
type Cluster struct {
	id     string
	server *redshiftsim.Server
	aws    *AWS

	mu sync.Mutex
	d  Description
}

// Description is what AWS says of a cluster, as far as it is not where its stand-in listens.
type Description struct {
	Status       string // available, paused, resizing …; of a workgroup AVAILABLE …
	Availability string // ClusterAvailabilityStatus; empty: not told
	Zone         string
	VPC          string
	MultiAZ      bool
	Relocate     bool
	// Host is its DNS name: localhost, which the stand-in's certificate is for.
	Host string
	// Interfaces are those of its VPC endpoint. Nil is one in Zone, at the address where the stand-in listens.
	Interfaces []Interface
	// Users are the logins that exist in it; passwords for others are issued as well, and log nobody in.
	Users []string
}

// Interface is one network interface.
type Interface struct{ Address, Zone string }

// Cluster ties a cluster's identifier to a stand-in. It has the login that a Warehouse has.
func (a *AWS) Cluster(id string, server *redshiftsim.Server) *Cluster {
	c := a.newCluster(id, server, "available")
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clusters[id] = c
	return c
}

func (a *AWS) newCluster(id string, server *redshiftsim.Server, status string) *Cluster {
	return &Cluster{id: id, server: server, aws: a, d: Description{
		Status: status, Zone: Region + "a", VPC: "vpc-0a1b2c3d", Host: "localhost", Users: []string{redshiftsim.User},
	}}
}

// Set changes what AWS says of the cluster. It is atomic.
func (c *Cluster) Set(change func(d *Description)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.d)
}

func (c *Cluster) description() Description {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.d
	d.Users = slices.Clone(d.Users)
	if d.Interfaces == nil {
		d.Interfaces = []Interface{{c.server.Host(), d.Zone}}
	}
	return d
}

// clusterOf finds the cluster that a request is about. There are clusters in one region only.
func (a *AWS) clusterOf(r *request) (*Cluster, *refusal) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := r.text("ClusterIdentifier")
	c := a.clusters[id]
	if c == nil || r.region != Region {
		return nil, &refusal{http.StatusNotFound, "ClusterNotFound", "Cluster " + id + " not found."}
	}
	return c, nil
}

type credentialsXML struct {
	DbUser, DbPassword string
	Expiration         string
}

// https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentials.html
var (
	userName     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+.@-]{0,63}$`)
	databaseName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+.@-]{0,63}$`)
)

func (a *AWS) clusterCredentials(r *request) (any, *refusal) {
	c, refused := a.clusterOf(r)
	if refused != nil {
		return nil, refused
	}
	user := r.text("DbUser")
	if !userName.MatchString(user) || user == "PUBLIC" {
		return nil, refuse("ValidationError", "Invalid DbUser %q", user)
	}
	prefix := "IAM:"
	if r.text("AutoCreate") == "true" {
		prefix = "IAMA:"
	}
	return c.issueFor(prefix+user, user, r.text("DbName"), r.number("DurationSeconds", 900))
}

func (a *AWS) clusterCredentialsWithIAM(r *request) (any, *refusal) {
	c, refused := a.clusterOf(r)
	if refused != nil {
		return nil, refused
	}
	return c.issueFor(a.caller(), "", r.text("DbName"), r.number("DurationSeconds", 900))
}

func (a *AWS) caller() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.identity
}

func (c *Cluster) issueFor(name, user, database string, seconds int) (any, *refusal) {
	password, expires, refused := c.issue(name, user, database, seconds)
	if refused != nil {
		return nil, refused
	}
	return credentialsXML{name, password, expires.UTC().Format(time.RFC3339Nano)}, nil
}

// issue makes a password that really logs in until it really expires, if the user exists; "" is the caller's own.
func (c *Cluster) issue(name, user, database string, seconds int) (string, time.Time, *refusal) {
	if seconds < 900 || seconds > 3600 {
		return "", time.Time{}, refuse("ValidationError", "DurationSeconds must be from 900 to 3600, not %d", seconds)
	}
	if database != "" && !databaseName.MatchString(database) {
		return "", time.Time{}, refuse("ValidationError", "Invalid DbName %q", database)
	}
	password := `a'b\c"d$e%f/+= ` + rand.Text() + rand.Text() // a client has to quote it right wherever it puts it
	c.aws.mu.Lock()
	life := time.Duration(seconds) * time.Second
	if c.aws.lifetime > 0 {
		life = c.aws.lifetime
	}
	c.aws.issued = append(c.aws.issued, password)
	c.aws.mu.Unlock()
	expires := time.Now().Add(life)
	if user == "" || slices.Contains(c.description().Users, user) {
		c.server.Issue(name, password, expires)
	}
	return password, expires, nil
}
