package setup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/infra/emf"
)

// Function is one function, in one execution environment.
type Function struct {
	Log     *slog.Logger
	AWS     *cloud.Client
	Metrics Metrics

	cfg  Config
	life context.Context //nolint:containedctx // ends at SIGTERM, and ends what is under way
	end  context.CancelCauseFunc

	mu   sync.Mutex // held by the invocation under way
	pool *pgxpool.Pool
}

// ErrStopped is why the context of an invocation ends when the function is told to stop.
var ErrStopped = errors.New("the function was stopped")

// New returns a function with logs on stderr and metrics on stdout, as CloudWatch reads them. It opens nothing. It fails
// on an unknown log level.
func New(cfg Config, stdout, stderr io.Writer) (*Function, error) {
	log, err := infra.NewLogger(stderr, "json", cfg.LogLevel)
	if err != nil {
		return nil, err
	}
	f := &Function{Log: log, AWS: cloud.New(), cfg: cfg}
	f.Metrics = Metrics{emf.New(stdout, "Redcache", time.Now), cfg.Cache, log}
	f.life, f.end = context.WithCancelCause(context.Background())
	return f, nil
}

// Load reads the environment into into, a [Dispatch] or [Refresh] whose Config is cfg, and returns the function. When
// something is wrong with it, Load says so on stderr and ends the process: a function that cannot work must not start.
func Load(into any, cfg *Config) *Function {
	err := infra.Load(Prefix, into)
	if err == nil {
		var f *Function
		if f, err = New(*cfg, os.Stdout, os.Stderr); err == nil {
			f.Log.Info("function starts", infra.KeyVersion, infra.Version(), "config", cfg.String())
			return f
		}
	}
	fmt.Fprintln(os.Stderr, "redcache:", err)
	os.Exit(1)
	return nil
}

// Handle handles one invocation, and returns what is written as JSON.
type Handle func(ctx context.Context, event json.RawMessage) (any, error)

// Serve takes invocations from Lambda, one at a time, until the process is ended.
func (f *Function) Serve(handle Handle) {
	lambda.StartWithOptions(func(ctx context.Context, event json.RawMessage) (any, error) {
		return f.Invoke(ctx, event, handle)
	}, lambda.WithEnableSIGTERM(f.Stop))
}

// Invoke is one invocation. Its error says in one text what to do about it, since that is all that Lambda passes on.
func (f *Function) Invoke(ctx context.Context, event json.RawMessage, handle Handle) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	release := context.AfterFunc(f.life, func() { cancel(context.Cause(f.life)) })
	defer release()
	answer, err := handle(ctx, event)
	if err == nil {
		return answer, nil
	}
	text := dblink.Public(err) // whoever invokes a function need not be one who may see rows
	if hint := infra.Hint(err); hint != "" {
		text += ". " + hint
	}
	return nil, messages.InvokeResponse_Error{Type: "Redcache.Failed", Message: text}
}

// Stop ends the invocation under way, waits for it, and closes all connections. Lambda leaves half a second for that.
func (f *Function) Stop() {
	f.end(ErrStopped)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pool != nil {
		f.pool.Close()
		f.pool = nil
	}
}

// Pool returns the connections to the cache database. The first call opens them, and checks that the catalog is as this
// program needs it; what fails then is tried again by the next. Later ones drop what has died while the function was
// frozen. Only [Handle] may call it, once for each invocation.
func (f *Function) Pool(ctx context.Context) (*pgxpool.Pool, error) {
	if f.pool != nil {
		bury(ctx, f.pool)
		return f.pool, nil
	}
	pool, err := cloud.OpenPool(ctx, f.cfg.DatabaseConfig, f.AWS)
	if err != nil {
		return nil, err
	}
	if err := catalog.In(pool).Ready(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("use database %s: %w", pool.Config().ConnConfig.Database, err)
	}
	f.pool = pool
	return pool, nil
}

// pulse is how long a connection may take to show that it is alive.
const pulse = 2 * time.Second

// bury closes the connections that do not answer. The pool's own check goes by the time that they were idle, and the clock
// stands still while a function is frozen.
func bury(ctx context.Context, pool *pgxpool.Pool) {
	ctx, cancel := context.WithTimeout(ctx, pulse)
	defer cancel()
	for _, conn := range pool.AcquireAllIdle(ctx) {
		if conn.Ping(ctx) != nil {
			_ = conn.Conn().Close(ctx) // it is of no use, whether its server hears of it or not
		}
		conn.Release()
	}
}
