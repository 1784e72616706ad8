package read

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// Opener opens sessions. It remembers which links this process does not reach itself, and where dblink lives.
type Opener struct {
	cache      infra.Beginner // cancels what a session through dblink does
	schema     atomic.Pointer[string]
	outOfReach outOfReach
}

// NewOpener returns an Opener for the cache database.
func NewOpener(cache infra.Beginner) *Opener { return &Opener{cache: cache} }

// Forget has the Opener try again to reach a link.
func (o *Opener) Forget(linkID int32) { o.outOfReach.forget(linkID) }

// Wish is a session as it is wanted.
type Wish struct {
	Link      catalog.Link
	Transport catalog.Transport // auto takes the stream where the link can be reached
	Settings  redshift.Settings
	Slot      int            // of the link, that the session has
	Idle      time.Duration  // how long the transaction may wait for rows that come through this process
	Inputs    []catalog.Name // of local queries
	Set       int32          // whose views they read where it has built them; 0: none
}

// Open opens a session that lives as long as tx at the most. It tells why it is not by the transport that auto prefers.
func (o *Opener) Open(ctx context.Context, tx pgx.Tx, w Wish) (s Session, why error, err error) {
	switch w.Transport {
	case catalog.LocalTransport:
		if err := awaitRows(ctx, tx, w.Idle); err != nil {
			return nil, nil, err
		}
		s, err = Local(ctx, o.cache, w.Settings.StatementTimeout, w.Inputs, w.Set)
		return s, nil, err
	case catalog.StreamTransport:
		s, err = o.stream(ctx, tx, w)
		return s, nil, err
	case catalog.DblinkTransport:
		s, err = o.dblink(ctx, tx, w)
		return s, nil, err
	}
	cause := o.outOfReach.cause(w.Link.ID)
	if cause == nil {
		s, cause = o.stream(ctx, tx, w)
	}
	if cause == nil || !session.Unreachable(cause) || ctx.Err() != nil {
		return s, nil, cause
	}
	o.outOfReach.remember(w.Link.ID, cause)
	s, err = o.dblink(ctx, tx, w)
	return s, fmt.Errorf("transport dblink: this process does not reach Redshift: %w", cause), err
}

// dblink opens the session in the backend of the transaction. Whether this database has what links need is looked up
// once; an error makes it looked up again.
func (o *Opener) dblink(ctx context.Context, tx pgx.Tx, w Wish) (Session, error) {
	var known string
	if schema := o.schema.Load(); schema != nil {
		known = *schema
	}
	s, err := dblink.OpenIn(ctx, tx, known, w.Link.Server().Name, w.Settings)
	if err != nil {
		o.schema.Store(nil)
		return nil, err
	}
	schema := s.Schema()
	o.schema.Store(&schema)
	return Dblink(s, tx, o.cache), nil
}

// stream opens a session of this process's own, with the login that the link has.
func (o *Opener) stream(ctx context.Context, tx pgx.Tx, w Wish) (Session, error) {
	config, err := configOf(ctx, tx, w)
	if err != nil {
		return nil, err
	}
	direct, err := session.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := awaitRows(ctx, tx, w.Idle); err != nil {
		_ = direct.Close(ctx)
		return nil, err
	}
	another := func(ctx context.Context) (*session.Session, error) { return session.Open(ctx, config) }
	return stream{direct, w.Link, w.Settings, w.Slot, another}, nil
}

// configOf is what a session of this process's own needs to know.
func configOf(ctx context.Context, tx pgx.Tx, w Wish) (config session.Config, err error) {
	server := w.Link.Server()
	user, password, err := dblink.Login(ctx, tx, server.Name)
	if err != nil {
		return config, err
	}
	address, err := dblink.Options(ctx, tx, server.Name) // what dblink goes by, also after an ALTER SERVER
	if err != nil {
		return config, err
	}
	port, err := strconv.Atoi(address["port"])
	if err != nil {
		return config, fmt.Errorf("read port of server %s: %w", server.Name, err)
	}
	prepare, err := w.Settings.SQL()
	return session.Config{
		Host: address["host"], HostAddr: address["hostaddr"], Port: port, Database: address["dbname"], User: user,
		Password: password, SSLMode: address["sslmode"], SSLRootCert: address["sslrootcert"], ApplicationName: "redcache",
		Prepare: prepare,
	}, err
}

// awaitRows lets the transaction be idle for as long as Redshift computes, when it is this process that waits for it.
// What else bounded the time for which a lost network could keep the locks is the server's own look at the connection
// then; PostgreSQL ignores these settings for a Unix socket (documentation of tcp_keepalives_idle).
func awaitRows(ctx context.Context, tx pgx.Tx, idle time.Duration) error {
	_, err := tx.Exec(ctx, `
		SELECT pg_catalog.set_config('idle_in_transaction_session_timeout', $1, true),
		       pg_catalog.set_config('tcp_keepalives_idle', '15', true),
		       pg_catalog.set_config('tcp_keepalives_interval', '5', true),
		       pg_catalog.set_config('tcp_keepalives_count', '4', true)`, fmt.Sprintf("%dms", idle.Milliseconds()))
	return wrap(err, "set limits")
}
