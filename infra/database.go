package infra

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DatabaseConfig says where the cache database is and how it is used. Printing it in any way hides the password.
type DatabaseConfig struct {
	URL            string        `envconfig:"DATABASE_URL" required:"true" secret:"url" desc:"cache database, as postgres://user:password@host:5432/database"`
	Application    string        `envconfig:"APPLICATION" default:"redcache" desc:"application_name of the sessions"`
	MaxConns       int32         `envconfig:"MAX_CONNS" default:"10" min:"1" desc:"most connections at once"`
	ConnectTimeout time.Duration `envconfig:"CONNECT_TIMEOUT" default:"10s" min:"1ms" desc:"limit of one attempt to connect"`
}

// The defaults of a DatabaseConfig whose fields are zero.
const (
	defaultApplication    = "redcache"
	defaultMaxConns       = 10
	defaultConnectTimeout = 10 * time.Second
)

// String returns the configuration without its password.
func (c DatabaseConfig) String() string { return Redacted(c) }

// GoString returns the configuration without its password.
func (c DatabaseConfig) GoString() string { return Redacted(c) }

// LogValue returns the configuration without its password.
func (c DatabaseConfig) LogValue() slog.Value { return slog.StringValue(Redacted(c)) }

// OpenPool opens a pool on the cache database and proves that it can be reached. Sessions are set up as the package
// comment says. The caller closes the pool. An error carries a hint and never the password.
func OpenPool(ctx context.Context, c DatabaseConfig) (*pgxpool.Pool, error) {
	config, err := c.pool()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, unreachable(config, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, unreachable(config, err)
	}
	return pool, nil
}

func (c DatabaseConfig) pool() (*pgxpool.Config, error) {
	if c.URL == "" {
		return nil, Hinted(errors.New("open cache database: DATABASE_URL is not set"),
			"Set DATABASE_URL to postgres://user:password@host:5432/database.")
	}
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		// The parser's own text may quote the URL; what is wrong with it is in the cause, if anywhere.
		return nil, Hinted(errors.New("open cache database: DATABASE_URL is not a connection URL"),
			"It should read postgres://user:password@host:5432/database; special characters in the password "+
				"are written %XX, for instance %40 for @.")
	}
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = or(c.Application, defaultApplication)
	}
	config.MaxConns = or(c.MaxConns, defaultMaxConns)
	config.ConnConfig.ConnectTimeout = or(c.ConnectTimeout, defaultConnectTimeout)
	config.ConnConfig.DialFunc = dialer().DialContext
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	config.ConnConfig.BuildContextWatcherHandler = cancelOnServer
	return config, nil
}

func or[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

// dialer notices a peer that vanished without a goodbye after 35 s instead of the systems' two hours.
func dialer() *net.Dialer {
	return &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4,
	}}
}

// cancelOnServer makes a cancelled context cancel the statement on the server, so that nothing goes on there for
// nobody; only when the server does not answer in time is the connection given up.
func cancelOnServer(conn *pgconn.PgConn) ctxwatch.Handler {
	return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 5 * time.Second}
}

func unreachable(config *pgxpool.Config, err error) error {
	c := config.ConnConfig
	return fmt.Errorf("open cache database %s at %s:%d as %s: %w", c.Database, c.Host, c.Port, c.User, err)
}
