package cloud

import (
	"log/slog"
	"time"
)

// Login is what a session is opened with. Printing it hides the password.
type Login struct {
	User     string    // verbatim as AWS returned it, for instance IAM:cache_ro
	Password string    `json:"-"`
	Expires  time.Time // for new sessions; zero: not, as far as is known
}

// String hides the password.
func (l Login) String() string { return "login " + l.User }

// GoString hides the password.
func (l Login) GoString() string { return l.String() }

// LogValue hides the password.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// Secret is a login that is kept in Secrets Manager, in the form that Redshift and RDS give to their own: JSON with
// username, password and, optionally, host, port and dbname. Printing it hides the password.
type Secret struct {
	Login
	Host     string // empty when the secret does not say
	Port     int
	Database string
}

// Endpoint is where a cluster or a workgroup is, and whether it takes connections.
type Endpoint struct {
	Host     string // its DNS name, which never changes and which its certificate is for
	Port     int
	Status   string // in AWS's own words: available, paused, resizing, …
	State    State
	Zone     string      // availability zone of the cluster; empty for a workgroup
	Private  []Interface // where it is reached inside the VPC; the address of choice comes first
	VPC      string      // its id
	MultiAZ  bool
	Relocate bool // it may move to another zone; its own endpoint's address is stable, that of its leader is not
}

// Interface is one private address.
type Interface struct {
	Address string
	Zone    string // empty when AWS does not say
}

// State is what can be expected of a cluster.
type State int

const (
	// Available clusters take connections.
	Available State = iota
	// Passing clusters do not now, but will by themselves: they reboot, resume or are resized.
	Passing
	// Stopped clusters do not until somebody does something: they are paused, or broken.
	Stopped
)
