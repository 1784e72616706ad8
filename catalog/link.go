package catalog

import (
	"fmt"
	"time"

	"github.com/redcache/redcache/dblink"
)

// maxLinkName leaves room for the prefix of the foreign server's name in Postgres's 63 bytes.
const maxLinkName = 63 - len(serverPrefix)

const serverPrefix = "redcache_"

// Link is a named connection from the cache database to one Redshift database.
type Link struct {
	ID             int32
	Name           string
	Host           string
	HostAddr       string `db:"hostaddr"`
	Port           int
	Database       string
	User           string `db:"username"`
	SSLMode        string `db:"sslmode"`
	SSLRootCert    string `db:"sslrootcert"`
	MaxConcurrency int
	CreatedAt      time.Time
}

// Server returns the foreign server that stands for the link in the cache database.
func (l Link) Server() dblink.Server {
	return dblink.Server{
		Name: serverPrefix + l.Name, Host: l.Host, HostAddr: l.HostAddr, Port: l.Port,
		Database: l.Database, User: l.User, SSLMode: l.SSLMode, SSLRootCert: l.SSLRootCert,
	}
}

// Validate reports what is wrong with the definition before anything is sent anywhere.
func (l Link) Validate() error {
	switch {
	case l.Name == "":
		return &InvalidError{What: "link", Problem: "it has no name"}
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
	return l.Server().Validate()
}
