package infra

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// DatabaseConfig says where the cache database is and how it is used. Printing it hides the password.
type DatabaseConfig struct {
	// URL names the database. Its variable is DATABASE_URL, without a prefix, as most platforms have it. With IAM or
	// Secret it has no password, and with Secret it may lack, or be empty of, whatever the secret says.
	URL string `envconfig:"DATABASE_URL" required:"true" unless:"REDCACHE_DATABASE_SECRET" secret:"url" desc:"cache database, postgres://user:password@host:5432/database"`
	// IAM logs in with tokens of RDS instead of a password. They are sent in the clear, so TLS is compulsory.
	IAM bool `envconfig:"REDCACHE_DATABASE_IAM" default:"false" unset:"false" desc:"log in to the cache database on RDS with IAM tokens; its URL then has a user without a password, and sslmode=verify-full or require"`
	// Secret is the ARN of a secret that has the login, read again for each connection, so that it may be rotated.
	Secret string `envconfig:"REDCACHE_DATABASE_SECRET" unset:"none" desc:"ARN of the secret with the login to the cache database; the URL then has no password, and needs only what the secret does not say"`
	// Application is what others see of a session, in pg_stat_activity and as the holder of a lock. Empty takes
	// the URL's application_name, or redcache.
	Application string `desc:"application_name of the sessions, what others see as the holder of a lock"`
	// MaxConns is the most connections at once. Zero takes the URL's pool_max_conns, or 10.
	MaxConns int32 `min:"0" max:"10000" desc:"most connections at once, 10 when not given"`
	// ConnectTimeout limits one attempt to connect to one address. Zero takes the URL's connect_timeout, or 10 s.
	ConnectTimeout time.Duration `min:"0s" max:"1h" desc:"limit of one attempt to connect, 10s when not given"`
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

// Login completes the configuration of one connection that is about to be made, at least by its password.
type Login func(ctx context.Context, conn *pgx.ConnConfig) error

// OpenPool opens a pool on the cache database and proves that a session can be had. Sessions are as the package
// comment says. The caller closes the pool. An error says what to do next by [Hint] and never has the password.
func OpenPool(ctx context.Context, c DatabaseConfig) (*pgxpool.Pool, error) {
	return OpenPoolAs(ctx, c, nil)
}

// OpenPoolAs is OpenPool with a login that is asked for before each connection; IAM and Secret need one.
func OpenPoolAs(ctx context.Context, c DatabaseConfig, login Login) (*pgxpool.Pool, error) {
	config, err := c.pool()
	if err != nil {
		return nil, err
	}
	if err := c.checkLogin(config.ConnConfig); err != nil {
		return nil, err
	}
	if login == nil && (c.IAM || c.Secret != "") {
		return nil, errors.New("open cache database: this program logs in with the password in DATABASE_URL only")
	}
	config.BeforeConnect = login
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, c.unreachable(ctx, config.ConnConfig, err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, c.unreachable(ctx, config.ConnConfig, err)
	}
	return pool, nil
}

// Validate reports what can be said of the configuration without asking anybody, and completes it by what holds where it
// says nothing.
func (c *DatabaseConfig) Validate() error {
	if c.URL == "" && c.Secret == "" {
		return errors.New("DATABASE_URL is not set")
	}
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		err = urlProblem(err)
	} else {
		err = c.checkLogin(config.ConnConfig)
	}
	if err != nil {
		return fmt.Errorf("%w. %s", err, Hint(err))
	}
	c.apply(config)
	c.Application, c.MaxConns = config.ConnConfig.RuntimeParams["application_name"], config.MaxConns
	c.ConnectTimeout = config.ConnConfig.ConnectTimeout
	return nil
}

// urlProblem is what is wrong with a URL that the parser refused: a file that it names, or the URL itself; or what the environment
// says of which the URL says nothing. What the parser says may quote parts of the password, so it is not repeated.
func urlProblem(err error) error {
	set := slices.DeleteFunc(slices.Clone(beside), func(name string) bool { return os.Getenv(name) == "" })
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		names := "DATABASE_URL"
		if i := slices.IndexFunc(set, func(name string) bool { return os.Getenv(name) == file.Path }); i >= 0 {
			names = set[i] + " of the environment"
		}
		return Hinted(fmt.Errorf("%s names file %s: %w", names, file.Path, file.Err),
			"Put the file there, for instance the certificate authorities of RDS that sslrootcert names, or change "+names+".")
	}
	what, hint := "DATABASE_URL is not a valid connection URL", "Write it as "+urlForm+". In user and password, the characters : / ? # [ ] @ and % "+
		"must be written as % and two hex digits, for instance %40 for @."
	if len(set) > 0 {
		what = "DATABASE_URL is not a valid connection URL, or what stands beside it in the environment is wrong: " + strings.Join(set, ", ")
		hint += " What is set in the environment counts where the URL says nothing: correct it, or unset it."
	}
	return Hinted(errors.New(what), hint)
}

// beside are variables of the environment that say what the URL leaves open, as libpq has them, and that can be wrong by themselves:
// https://www.postgresql.org/docs/15/libpq-envars.html.
var beside = []string{
	"PGCONNECT_TIMEOUT", "PGMAXPROTOCOLVERSION", "PGMINPROTOCOLVERSION", "PGPORT", "PGSERVICE", "PGSERVICEFILE", "PGSSLCERT", "PGSSLKEY",
	"PGSSLMODE", "PGSSLNEGOTIATION", "PGSSLROOTCERT", "PGTARGETSESSIONATTRS",
}

const urlForm = "postgres://user:password@host:5432/database"

func (c DatabaseConfig) pool() (*pgxpool.Config, error) {
	if c.URL == "" && c.Secret == "" {
		return nil, Hinted(errors.New("open cache database: DATABASE_URL is not set"),
			"Set DATABASE_URL to "+urlForm+", the PostgreSQL database that holds the cached views.")
	}
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("open cache database: %w", urlProblem(err))
	}
	c.apply(config)
	conn := config.ConnConfig
	config.PingTimeout = pingTimeout
	conn.DialFunc = dialer(conn.ConnectTimeout).DialContext
	conn.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	conn.BuildContextWatcherHandler = newCanceller
	return config, nil
}

// apply puts what the configuration says, or else the defaults, where the URL leaves it open.
func (c DatabaseConfig) apply(config *pgxpool.Config) {
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
