package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift/session"
)

// patience bounds each step from here. It is shorter than PostgreSQL's, which counts.
const patience = 5 * time.Second

// patienceHere is that, or less where a trial may take less.
func patienceHere(ctx context.Context) time.Duration { return min(patience, dblink.TrialLimit(ctx)) }

// parting is how long the cancel of a statement from here may take, and the goodbye: the command waits for both.
const parting = time.Second

// hereTrial is how far this process gets by itself, with the login and the address that PostgreSQL has.
type hereTrial struct {
	failed    dblink.Step
	err       error
	roundTrip time.Duration
}

// tryHere takes the steps one by one, so that silence can be told apart.
func (s *connection) tryHere(ctx context.Context, l catalog.Link) (t hereTrial) {
	ctx = infra.WithGrace(ctx, parting)
	config, err := s.ownWay(ctx, l)
	if err != nil {
		return hereTrial{failed: dblink.AtDNS, err: err}
	}
	if config.HostAddr == "" {
		if err := lookUp(ctx, config.Host); err != nil {
			return hereTrial{failed: dblink.AtDNS, err: err}
		}
	}
	address := net.JoinHostPort(cmp.Or(config.HostAddr, config.Host), strconv.Itoa(config.Port))
	conn, err := (&net.Dialer{Timeout: patienceHere(ctx)}).DialContext(ctx, "tcp", address)
	if err != nil {
		return hereTrial{failed: dblink.AtTCP, err: err}
	}
	_ = conn.Close() // nothing was said
	direct, err := session.Open(ctx, config)
	if err != nil {
		return hereTrial{failed: refusedHere(err), err: err}
	}
	began := time.Now()
	within, done := answering(ctx)
	defer done()
	_, t.err = direct.Rows(within, "SELECT 1", 1)
	t.roundTrip = time.Since(began)
	if t.err = errors.Join(t.err, direct.Close(ctx)); t.err != nil {
		t.failed = dblink.AtSelect
	}
	return t
}

// answering is a context in which an answer is waited for.
func answering(ctx context.Context) (context.Context, context.CancelFunc) {
	limit := patienceHere(ctx)
	return context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %s", limit))
}

func lookUp(ctx context.Context, host string) error {
	ctx, stop := answering(ctx)
	defer stop()
	_, err := net.DefaultResolver.LookupHost(ctx, host)
	return err
}

// ownWay is what transport stream goes by: the login and the address of the foreign server.
func (s *connection) ownWay(ctx context.Context, l catalog.Link) (session.Config, error) {
	server := l.Server().Name
	user, password, err := dblink.Login(ctx, infra.Pinned(s.pool), server)
	if err != nil {
		return session.Config{}, err
	}
	options, err := dblink.Options(ctx, infra.Pinned(s.pool), server)
	if err != nil {
		return session.Config{}, err
	}
	port, err := strconv.Atoi(options["port"])
	if err != nil {
		return session.Config{}, fmt.Errorf("read port of server %s: %w", server, err)
	}
	return session.Config{
		Host: options["host"], HostAddr: options["hostaddr"], Port: port, Database: options["dbname"], User: user,
		Password: password, SSLMode: options["sslmode"], SSLRootCert: options["sslrootcert"],
		ApplicationName: "redcache", ConnectTimeout: patienceHere(ctx),
	}, nil
}

// refusedHere is the step at which a session could not be opened to a port that takes connections. A server refuses
// a login by FATAL, a query by ERROR.
func refusedHere(err error) dblink.Step {
	server, answered := errors.AsType[*pgconn.PgError](err)
	switch {
	case !answered:
		return dblink.AtTLS
	case server.Severity != "FATAL":
		return dblink.AtSelect
	case strings.HasSuffix(server.Message, "SSL off"), strings.HasSuffix(server.Message, "no encryption"):
		return dblink.AtTLS
	}
	return dblink.AtLogin
}
