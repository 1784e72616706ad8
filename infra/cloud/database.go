package cloud

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
)

// OpenPool is [infra.OpenPool] for every way to log in: by the password in the URL, which asks AWS nothing; with a
// token of IAM; or with a secret, which also completes the URL. Token and secret are got anew for each connection, so
// that a rotation costs nothing: connections are rare, because a pool keeps them.
func OpenPool(ctx context.Context, c infra.DatabaseConfig, client *Client) (*pgxpool.Pool, error) {
	switch {
	case c.IAM:
		return infra.OpenPoolAs(ctx, c, client.tokenLogin)
	case c.Secret != "":
		login := &secretLogin{client: client, arn: c.Secret}
		if err := login.read(ctx); err != nil {
			return nil, err
		}
		login.fresh = true
		s := login.known
		if s.Host == "" && c.URL == "" {
			return nil, infra.Hinted(errors.New("open cache database: "+c.Secret+" has no host, and DATABASE_URL is not set"),
				"Set DATABASE_URL to postgres://host:5432/database; user and password come from the secret.")
		}
		return infra.OpenPoolAs(ctx, c.Completed(s.Host, s.Port, s.Database, s.User), login.set)
	}
	return infra.OpenPool(ctx, c)
}

// tokenLogin logs in with a token of its own for each connection. Making one asks nobody.
func (c *Client) tokenLogin(ctx context.Context, conn *pgx.ConnConfig) (err error) {
	hostport := net.JoinHostPort(conn.Host, strconv.Itoa(int(conn.Port)))
	conn.Password, err = c.DatabaseToken(ctx, "", hostport, conn.User)
	return err
}

// secretLogin logs in with what a secret says at the time.
type secretLogin struct {
	client *Client
	arn    string

	mu    sync.Mutex
	known Secret // what it said last
	fresh bool   // nothing was opened with it yet
}

func (l *secretLogin) read(ctx context.Context) error {
	secret, err := l.client.Secret(ctx, "", l.arn)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = secret
	return nil
}

// set reads the secret, unless that was just done to open the pool. While AWS has troubles of its own, what the secret
// said last is as good a guess as any.
func (l *secretLogin) set(ctx context.Context, conn *pgx.ConnConfig) error {
	if !l.takeFresh() {
		err := l.read(ctx)
		if failed, ok := errors.AsType[*Error](err); ok && ctx.Err() == nil && failed.Passing() {
			err = nil
		}
		if err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	conn.User, conn.Password = l.known.User, l.known.Password
	return nil
}

func (l *secretLogin) takeFresh() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := l.fresh
	l.fresh = false
	return fresh
}
