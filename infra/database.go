package infra

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DatabaseConfig says where the cache database is and how it is used. Printing it hides the password.
type DatabaseConfig struct {
	// URL names the database. Its variable is DATABASE_URL, without a prefix, as most platforms have it.
	URL string `envconfig:"DATABASE_URL" required:"true" secret:"url" desc:"cache database, postgres://user:password@host:5432/database"`
	// Application is what others see of a session, in pg_stat_activity and as the holder of a lock. Empty takes
	// the URL's application_name, or redcache.
	Application string `desc:"application_name of the sessions, what others see as the holder of a lock"`
	// MaxConns is the most connections at once. Zero takes the URL's pool_max_conns, or 10.
	MaxConns int32 `min:"0" max:"10000" desc:"most connections at once, 10 when not given"`
	// ConnectTimeout limits one attempt to connect to one address. Zero takes the URL's connect_timeout, or 10 s.
	ConnectTimeout time.Duration `min:"0s" desc:"limit of one attempt to connect, 10s when not given"`
}

// What a zero field of a DatabaseConfig and a silent URL come to.
const (
	defaultApplication    = "redcache"
	defaultMaxConns       = 10
	defaultConnectTimeout = 10 * time.Second
)

// pingTimeout limits the check of a connection that had been idle, before it is handed out.
const pingTimeout = 5 * time.Second

// String returns the configuration without its password.
func (c DatabaseConfig) String() string { return Redacted(c) }

// GoString returns the configuration without its password.
func (c DatabaseConfig) GoString() string { return Redacted(c) }

// LogValue returns the configuration without its password.
func (c DatabaseConfig) LogValue() slog.Value { return slog.StringValue(Redacted(c)) }

// OpenPool opens a pool on the cache database and proves that a session can be had. Sessions are as the package
// comment says. The caller closes the pool. An error says what to do next by [Hint] and never has the password.
func OpenPool(ctx context.Context, c DatabaseConfig) (*pgxpool.Pool, error) {
	config, err := c.pool()
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, unreachable(ctx, config.ConnConfig, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, unreachable(ctx, config.ConnConfig, err)
	}
	return pool, nil
}

const urlForm = "postgres://user:password@host:5432/database"

func (c DatabaseConfig) pool() (*pgxpool.Config, error) {
	if c.URL == "" {
		return nil, Hinted(errors.New("open cache database: DATABASE_URL is not set"),
			"Set DATABASE_URL to "+urlForm+", the PostgreSQL database that holds the cached views.")
	}
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		// What the parser says may quote parts of the password, so it is not repeated.
		return nil, Hinted(errors.New("open cache database: DATABASE_URL is not a valid connection URL"),
			"Write it as "+urlForm+". In user and password, the characters : / ? # [ ] @ and % "+
				"must be written as % and two hex digits, for instance %40 for @.")
	}
	conn := config.ConnConfig
	if c.Application != "" || conn.RuntimeParams["application_name"] == "" {
		conn.RuntimeParams["application_name"] = or(c.Application, defaultApplication)
	}
	if c.MaxConns > 0 || !strings.Contains(c.URL, "pool_max_conns") {
		config.MaxConns = or(c.MaxConns, defaultMaxConns)
	}
	if c.ConnectTimeout > 0 || !strings.Contains(c.URL, "connect_timeout") {
		conn.ConnectTimeout = or(c.ConnectTimeout, defaultConnectTimeout)
	}
	config.PingTimeout = pingTimeout
	conn.DialFunc = dialer(conn.ConnectTimeout).DialContext
	conn.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	conn.BuildContextWatcherHandler = newCanceller
	return config, nil
}

func or[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

// dialer makes connections that notice a peer's silent end after 35 s, instead of the two hours of most systems.
func dialer(timeout time.Duration) *net.Dialer {
	return &net.Dialer{Timeout: timeout, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 4,
	}}
}
