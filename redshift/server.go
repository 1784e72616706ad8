package redshift

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// ServerPrefix is what the names of foreign servers have before that of their link.
const ServerPrefix = "redcache_"

var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// Server is a foreign server that points at Redshift. Its password is no part of it: it is in the user mapping.
type Server struct {
	Name            string
	Host            string        // what the certificate is checked against
	HostAddr        string        // the address to connect to when Host does not resolve to it; empty means resolve Host
	Port            int           // 0 means 5439
	Database        string        // required
	User            string        // the login on Redshift; goes into the user mapping
	SSLMode         string        // a libpq sslmode; empty means require
	SSLRootCert     string        // a file on the PostgreSQL server; needed by verify-ca and verify-full
	ConnectTimeout  time.Duration // whole seconds, at least 2 s as libpq does; 0 means 10 s
	ApplicationName string        // empty means redcache
}

// Validate names the first field that PostgreSQL or libpq would not take.
func (s Server) Validate() error {
	for _, field := range []struct{ name, value string }{
		{"server name", s.Name},
		{"host", s.Host},
		{"host address", s.HostAddr},
		{"database", s.Database},
		{"user", s.User},
		{"root certificate", s.SSLRootCert},
		{"application name", s.ApplicationName},
	} {
		if strings.Contains(field.value, "\x00") || !utf8.ValidString(field.value) {
			return fmt.Errorf("%s is not valid text", field.name)
		}
	}
	switch {
	case s.Name == "":
		return errors.New("server name is empty")
	case len(s.Name) > maxName:
		return fmt.Errorf("server name %q is longer than %d bytes", s.Name, maxName)
	case s.Host == "" && s.HostAddr == "":
		return errors.New("host is empty")
	case s.Database == "":
		return errors.New("database is empty")
	case s.User == "":
		return errors.New("user is empty")
	case s.Port < 0 || s.Port > 65535:
		return fmt.Errorf("port %d is not between 1 and 65535", s.Port)
	case s.SSLMode != "" && !slices.Contains(sslModes, s.SSLMode):
		return fmt.Errorf("sslmode %q is none of %s", s.SSLMode, strings.Join(sslModes, ", "))
	case s.ConnectTimeout < 0:
		return fmt.Errorf("connect timeout %s is negative", s.ConnectTimeout)
	case strings.ContainsAny(s.Host, ",/"):
		return fmt.Errorf("host %q is not one host name", s.Host)
	}
	if s.HostAddr != "" {
		if _, err := netip.ParseAddr(s.HostAddr); err != nil {
			return fmt.Errorf("host address %q is not an IP address", s.HostAddr)
		}
	}
	return nil
}
