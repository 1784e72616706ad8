package infra

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// unreachable says which database could not be reached, why, and what to do next.
func (d DatabaseConfig) unreachable(ctx context.Context, c *pgx.ConnConfig, err error) error {
	where := fmt.Sprintf("open cache database %s at %s:%d as user %s", c.Database, c.Host, c.Port, c.User)
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", where, context.Cause(ctx))
	}
	if _, known := errors.AsType[hinter](err); known { // it is the login that could not be had
		return fmt.Errorf("%s: %w", where, err)
	}
	hint, cause := diagnose(c, err)
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok && (refused.Code == "28P01" || refused.Code == "28000") {
		hint = cmp.Or(d.loginHint(c), hint)
	}
	return Hinted(fmt.Errorf("%s: %w", where, cause), hint)
}

// diagnose finds the one error that matters in what pgx reports, a list of all its attempts.
func diagnose(c *pgx.ConnConfig, err error) (hint string, cause error) {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return cmp.Or(refusals[refused.Code], fullHint(refused), poolerHint(refused)), refused
	}
	if unresolved, ok := errors.AsType[*net.DNSError](err); ok {
		return "Check the host in DATABASE_URL, and that this machine can resolve it: private names resolve only " +
			"inside their network.", unresolved
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return untrusted, cert
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return untrusted, unknown
	}
	if strings.Contains(err.Error(), "server refused TLS connection") {
		return "The server offers no TLS: switch it on there, or take sslmode=require out of DATABASE_URL.",
			errors.New("server refused TLS connection")
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "Nothing answers at that address: check host and port in DATABASE_URL, and the firewall or security " +
			"group between here and there.", fmt.Errorf("timed out after %s", c.ConnectTimeout)
	}
	if network, ok := errors.AsType[*net.OpError](err); ok {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return "Check host and port in DATABASE_URL, and that PostgreSQL runs there and listens on that address.",
				network
		}
		return "Check host and port in DATABASE_URL, and the network between here and there.", network
	}
	return "Check DATABASE_URL.", err
}

const untrusted = "The server's certificate is not trusted: name its authority by sslrootcert in DATABASE_URL."

// refusals are the hints for the SQLSTATEs with which a server turns a login down.
var refusals = map[string]string{
	"28P01": "Check user and password in DATABASE_URL.",
	"28000": "Check the user in DATABASE_URL, and that the server's pg_hba.conf lets it in from this address.",
	"3D000": "Create the database, or correct its name in DATABASE_URL.",
	"42501": "Grant the user CONNECT on the database.",
	"57P03": "The server is starting or stopping: try again in a moment.",
}
