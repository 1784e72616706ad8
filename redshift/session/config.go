package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Config says where a warehouse is, who logs in, and how long silence is borne.
type Config struct {
	Host            string        // what the certificate is checked against
	HostAddr        string        // the address to connect to when Host does not resolve to it; empty means resolve Host
	Port            int           // 0 means 5439
	Database        string        // required
	User            string        // required
	Password        string        // never part of an error
	SSLMode         string        // a libpq sslmode; empty means require
	SSLRootCert     string        // a file on this machine; empty makes verify-ca and verify-full trust what the system trusts
	ApplicationName string        // empty means redcache
	ConnectTimeout  time.Duration // of the login at one address, and of Prepare; 0 means 10 s
	Silence         time.Duration // once rows flow, a longer pause is a dead connection; 0 means 2 min
	Prepare         string        // statements sent as one message right after the login
}

const (
	defaultPort           = 5439
	defaultConnectTimeout = 10 * time.Second
	defaultSilence        = 2 * time.Minute
	defaultSSLMode        = "require"
	defaultApplication    = "redcache"
)

var sslModes = []string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}

// withDefaults fills in what zero values mean.
func (c Config) withDefaults() Config {
	c.Port = orDefault(c.Port, defaultPort)
	c.SSLMode = orDefault(c.SSLMode, defaultSSLMode)
	c.ApplicationName = orDefault(c.ApplicationName, defaultApplication)
	c.ConnectTimeout = orDefault(c.ConnectTimeout, defaultConnectTimeout)
	c.Silence = orDefault(c.Silence, defaultSilence)
	c.Host = orDefault(c.Host, c.HostAddr)
	return c
}

func orDefault[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// validate names the first field with which no connection can be tried. It wants the defaults filled in.
func (c Config) validate() error {
	for _, field := range []string{c.Host, c.Database, c.User, c.Password, c.SSLRootCert, c.ApplicationName} {
		if strings.Contains(field, "\x00") {
			return errors.New("a connection setting has a zero byte")
		}
	}
	switch {
	case c.Host == "":
		return errors.New("host is empty")
	case strings.ContainsAny(c.Host, ",/"):
		return fmt.Errorf("host %q is not one host name", c.Host)
	case c.Database == "":
		return errors.New("database is empty")
	case c.User == "":
		return errors.New("user is empty")
	case c.Port < 1 || c.Port > 65535:
		return fmt.Errorf("port %d is not between 1 and 65535", c.Port)
	case !slices.Contains(sslModes, c.SSLMode):
		return fmt.Errorf("sslmode %q is none of %s", c.SSLMode, strings.Join(sslModes, ", "))
	case c.ConnectTimeout < 0 || c.Silence < 0:
		return errors.New("a timeout is negative")
	}
	if _, err := netip.ParseAddr(c.HostAddr); c.HostAddr != "" && err != nil {
		return fmt.Errorf("host address %q is not an IP address", c.HostAddr)
	}
	return nil
}

// connection is the configuration for pgconn, which insists on making it from a text and from whatever the environment
// and the home directory hold: PG* variables, a service file, certificates. So the text names all that pgconn reads,
// except for what is set here afterwards, and nothing from elsewhere is left. The password is no part of the text.
func (c Config) connection() (*pgconn.Config, error) {
	text := connString([][2]string{
		{"host", c.Host},
		{"port", fmt.Sprint(c.Port)},
		{"dbname", "-"},
		{"user", "-"},
		{"password", "-"}, // without one, pgconn would look for it in a file
		{"connect_timeout", "1"},
		{"sslmode", c.SSLMode},
		{"sslrootcert", c.SSLRootCert},
		{"sslcert", ""},
		{"sslkey", ""},
		{"sslpassword", ""},
		{"sslcertmode", "disable"},
		{"sslsni", "1"},
		{"sslnegotiation", "postgres"},
		{"target_session_attrs", "any"}, // others ask what Redshift does not know
		{"min_protocol_version", "3.0"},
		{"max_protocol_version", "3.0"},
		{"channel_binding", "prefer"},
		{"require_auth", ""},
	})
	config, err := parse(text)
	if err != nil {
		return nil, err
	}
	config.Database, config.User, config.Password = c.Database, c.User, c.Password
	config.KerberosSrvName, config.KerberosSpn = "", ""
	config.ConnectTimeout = c.ConnectTimeout
	// Redshift refuses a login with a parameter that it does not know, or with another value of extra_float_digits.
	config.RuntimeParams = map[string]string{"client_encoding": "UTF8", "application_name": c.ApplicationName}
	if c.HostAddr != "" {
		config.LookupFunc = func(context.Context, string) ([]string, error) { return []string{c.HostAddr}, nil }
	}
	return config, nil
}

// parse lets pgconn read a text that names no service. A service that the environment names has to exist nevertheless,
// so a failure is met by a second try, with a service file of our own that has it and says nothing.
func parse(text string) (*pgconn.Config, error) {
	config, err := pgconn.ParseConfig(text)
	if err == nil {
		return config, nil
	}
	file, fileErr := os.CreateTemp("", "redcache-service-")
	if fileErr != nil {
		return nil, errors.Join(unquoted(err), fileErr)
	}
	defer func() { _ = os.Remove(file.Name()) }() // an empty file; nothing depends on it
	_, fileErr = io.WriteString(file, "[redcache]\n")
	if fileErr = errors.Join(fileErr, file.Close()); fileErr != nil {
		return nil, errors.Join(unquoted(err), fileErr)
	}
	config, err = pgconn.ParseConfig(text + connString([][2]string{{"service", "redcache"}, {"servicefile", file.Name()}}))
	return config, unquoted(err)
}

// unquoted takes the error out of the one that quotes the text.
func unquoted(err error) error {
	var quoting *pgconn.ParseConfigError
	if errors.As(err, &quoting) && quoting.Unwrap() != nil {
		return quoting.Unwrap()
	}
	return err
}

// connString writes settings as libpq reads them, whatever characters they hold.
func connString(settings [][2]string) string {
	var b strings.Builder
	for _, s := range settings {
		fmt.Fprintf(&b, "%s='%s' ", s[0], strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s[1]))
	}
	return b.String()
}

// wiring is what a connection consists of below pgconn.
type wiring struct {
	link *link
	wire *wire
}

// wired makes pgconn build a connection out of our parts. A session may take several attempts; the last one counts.
func wired(config *pgconn.Config, gone context.Context) *wiring {
	parts := &wiring{}
	config.DialFunc = newDialer(gone).DialContext
	config.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, conn net.Conn) (net.Conn, error) {
		parts.link = &link{Conn: conn}
		return parts.link, nil
	}
	config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
		parts.wire = newWire(r)
		return pgproto3.NewFrontend(parts.wire, w)
	}
	config.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &canceller{pgconn.CancelRequestContextWatcherHandler{Conn: conn}}
	}
	return parts
}
