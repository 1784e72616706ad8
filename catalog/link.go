package catalog

import (
	"cmp"
	"fmt"
	"time"

	"github.com/redcache/redcache/redshift"
)

// maxLinkName leaves room for the prefix of the foreign server's name in Postgres's 63 bytes.
const maxLinkName = 63 - len(redshift.ServerPrefix)

// Credentials says where a link's password comes from.
type Credentials string

// The kinds of credentials.
const (
	PasswordCredentials   Credentials = "password"    // somebody gave it; it is renewed by hand
	ClusterCredentials    Credentials = "cluster"     // GetClusterCredentials, for a login of the cluster
	ClusterIAMCredentials Credentials = "cluster-iam" // GetClusterCredentialsWithIAM, for the caller's identity
	WorkgroupCredentials  Credentials = "workgroup"   // GetCredentials of Redshift Serverless, for the caller's identity
	SecretCredentials     Credentials = "secret"      // Secrets Manager
)

// AddressMode says where a link's address comes from.
type AddressMode string

// The modes of an address.
const (
	GivenAddress   AddressMode = "given"   // as the definition says
	PrivateAddress AddressMode = "private" // the one inside the VPC, as AWS tells before a refresh
)

// Link is a named connection from the cache database to one Redshift database.
type Link struct {
	ID             int32
	Name           string
	Host           string
	HostAddr       string `db:"hostaddr"`
	Port           int
	Database       string
	User           string    `db:"username" json:"username"`
	SSLMode        string    `db:"sslmode"`
	SSLRootCert    string    `db:"sslrootcert"`
	MaxConcurrency int       `json:"max_concurrency"`
	CreatedAt      time.Time `json:"created_at"`

	Credentials Credentials
	Cluster     string      // identifier of the Redshift cluster, if one is known
	Workgroup   string      // of Redshift Serverless
	Secret      string      // ARN
	Region      string      // empty: the process's own
	Address     AddressMode // where HostAddr comes from
	Zone        string      // availability zone whose address is preferred; empty: any
}

// LinkState is what is true of a link now.
type LinkState struct {
	RenewedAt  *time.Time // when the user mapping last got a password
	ExpiresAt  *time.Time // when that ends; nil: not, as far as is known
	ResolvedAt *time.Time // when the address was last looked up
	RestUntil  *time.Time // no view of the link is due before
	RestReason *string
	Now        time.Time // by the database's clock
}

// Expired says whether no new session can be opened with the password.
func (s LinkState) Expired() bool { return s.ExpiresAt != nil && !s.ExpiresAt.After(s.Now) }

// Managed says whether AWS is asked for the link's login or address, so that somebody has to do so now and then.
func (l Link) Managed() bool {
	return l.Credentials != PasswordCredentials || l.Address == PrivateAddress
}

// Server returns the foreign server that stands for the link in the cache database.
func (l Link) Server() redshift.Server {
	return redshift.Server{
		Name: redshift.ServerPrefix + l.Name, Host: l.Host, HostAddr: l.HostAddr, Port: l.Port,
		Database: l.Database, User: l.User, SSLMode: l.SSLMode, SSLRootCert: l.SSLRootCert,
	}
}

// Validate reports what is wrong with the definition before anything is sent anywhere.
func (l Link) Validate() error {
	switch {
	case l.Name == "":
		return &InvalidError{What: "link", Problem: "it has no name"}
	case l.Name[0] == '-':
		return &InvalidError{
			What: "link " + l.Name, Problem: "its name begins with a dash, which commands take for a flag", Fix: "choose another name",
		}
	case len(l.Name) > maxLinkName:
		return &InvalidError{
			What: "link " + l.Name, Problem: fmt.Sprintf("its name has %d bytes", len(l.Name)),
			Fix: fmt.Sprintf("use at most %d", maxLinkName),
		}
	case l.MaxConcurrency < 1 || l.MaxConcurrency > 64:
		return &InvalidError{
			What: "link " + l.Name, Problem: fmt.Sprintf("max-concurrency is %d", l.MaxConcurrency),
			Fix: "choose 1 to 64",
		}
	}
	if err := l.validateSource(); err != nil {
		return err
	}
	server := l.Server()
	if l.Managed() { // AWS tells what is not given
		server.Host = cmp.Or(server.Host, "learned")
	}
	if l.Credentials != PasswordCredentials {
		server.User = cmp.Or(server.User, "learned")
	}
	if l.Credentials == SecretCredentials {
		server.Database = cmp.Or(server.Database, "learned")
	}
	return server.Validate()
}

// validateSource holds what is known of the cluster against where the login and the address are to come from.
func (l Link) validateSource() error {
	invalid := func(problem, fix string) error {
		return &InvalidError{What: "link " + l.Name, Problem: problem, Fix: fix}
	}
	needs := map[Credentials]string{
		PasswordCredentials: "-", ClusterCredentials: l.Cluster, ClusterIAMCredentials: l.Cluster,
		WorkgroupCredentials: l.Workgroup, SecretCredentials: l.Secret,
	}
	switch what, known := needs[l.Credentials]; {
	case !known:
		return invalid(fmt.Sprintf("credentials %q are of no known kind", l.Credentials), "")
	case what == "":
		return invalid(fmt.Sprintf("credentials of kind %s need the %s", l.Credentials, l.Credentials), "")
	case l.Credentials == ClusterCredentials && l.User == "":
		return invalid("it has no login", "name one with --db-user, or take --iam for your own identity")
	case l.Cluster != "" && l.Workgroup != "":
		return invalid("it names a cluster and a workgroup", "name one of them")
	case l.Address != GivenAddress && l.Address != PrivateAddress:
		return invalid(fmt.Sprintf("address %q is neither given nor private", l.Address), "")
	case l.Address == PrivateAddress && l.Cluster+l.Workgroup == "":
		return invalid("a private address is looked up by cluster or workgroup, and it names none",
			"add --cluster or --workgroup, or give the address with --hostaddr")
	}
	return nil
}
