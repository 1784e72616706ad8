package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/infra"
)

// unreachableError is a failure before the server could judge the login.
type unreachableError struct{ err error }

func (e *unreachableError) Error() string { return e.err.Error() }

func (e *unreachableError) Unwrap() error { return e.err }

// Unreachable tells whether [Open] failed before the server could judge the login: the host does not resolve or does
// not answer from here, TLS could not be agreed on, or the root certificate is not a file of this machine. Transport
// dblink, for which another machine connects, can still work then. A login that was refused is not unreachable.
func Unreachable(err error) bool {
	_, unreachable := errors.AsType[*unreachableError](err)
	return unreachable
}

// notConnected finds the one error that matters in what pgconn reports, a list of all its attempts. The configuration
// that pgconn adds to it, with the password, is left behind.
func notConnected(ctx context.Context, c Config, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused
	}
	hint, cause := diagnose(c, err)
	return infra.Hinted(&unreachableError{cause}, hint+" Transport dblink works without that: PostgreSQL connects then.")
}

func diagnose(c Config, err error) (hint string, cause error) {
	if missing, ok := errors.AsType[*fs.PathError](err); ok {
		// As text only: an error of a system call passes for one of the network, which another try might heal.
		return "The root certificate has to be a file on this machine too.", errors.New(missing.Error())
	}
	if unresolved, ok := errors.AsType[*net.DNSError](err); ok {
		return "This machine must resolve the host; a private name resolves only inside its network, or give the link " +
			"the address (hostaddr) beside the name.", unresolved
	}
	if cause := distrust(err); cause != nil {
		return "Check the link's host and root certificate; a name that is only an alias needs sslmode=verify-ca.", cause
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "Check that Redshift's security group lets this machine in, and that there is a route from here (same " +
			"or peered VPC).", &timeoutError{"no answer", c.ConnectTimeout}
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return "Check host and port (Redshift's default is 5439), and that the cluster is neither paused nor " +
				"restarting.", network
		}
		return "Check that there is a route from this machine to Redshift (same or peered VPC).", network
	}
	if strings.Contains(err.Error(), "server refused TLS connection") {
		return fmt.Sprintf("The link's sslmode is %s, and Redshift always offers TLS: check host and port. Only where the "+
				"network itself is safe, and the server is meant to be without, --sslmode disable does without.", c.SSLMode),
			errors.New("the server offers no TLS")
	}
	return "Check the link's host, port and sslmode.", bare(err)
}

// distrust returns the reason why a certificate was not accepted.
func distrust(err error) error {
	if unverified, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return unverified
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return unknown
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		return invalid
	}
	return nil
}

// bare is an error of pgconn without the configuration that it carries.
func bare(err error) error {
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return connect.Unwrap()
	}
	return err
}

// timeoutError is a wait that was given up. It is a net.Error, and no error of a context: nobody asked to stop.
type timeoutError struct {
	what  string
	after time.Duration
}

func (e *timeoutError) Error() string { return fmt.Sprintf("%s within %s", e.what, e.after) }

func (e *timeoutError) Timeout() bool { return true }

func (e *timeoutError) Temporary() bool { return true }
