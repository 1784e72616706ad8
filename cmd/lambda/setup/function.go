package setup

import (
	"bytes"
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
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/infra/emf"
	"github.com/redcache/redcache/redshift"
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
	log, err := newLog(stderr, cfg.LogLevel)
	if err != nil {
		return nil, err
	}
	f := &Function{Log: log, AWS: cloud.New(), cfg: cfg}
	f.Metrics = Metrics{emf.New(stdout, "Redcache", time.Now), cfg.Cache, log}
	f.life, f.end = context.WithCancelCause(context.Background())
	return f, nil
}

// Load reads the environment into into, a [Dispatch] or [Refresh] whose Config is cfg, and returns the function. When
// something is wrong with it, Load logs that and ends the process: a function that cannot work must not start.
func Load(into any, cfg *Config) *Function {
	err := infra.Load(Prefix, into)
	if err == nil {
		var f *Function
		if f, err = New(*cfg, os.Stdout, os.Stderr); err == nil {
			f.Log.Info("function starts", infra.KeyVersion, infra.Version(), infra.Settings(Prefix, into))
			return f
		}
	}
	plain, _ := newLog(os.Stderr, "info") // a level that is known
	plain.Error("function cannot start", infra.KeyError, infra.Message(err), infra.KeyHint, infra.Hint(err))
	os.Exit(1)
	return nil
}

// Handle handles one invocation, and returns what is written as JSON.
type Handle func(ctx context.Context, event json.RawMessage) (any, error)

// Serve takes invocations from Lambda, one at a time, until the process is ended.
func (f *Function) Serve(handle Handle) {
	takeOver(f.Log)
	lambda.StartWithOptions(calls{f, handle}, lambda.WithEnableSIGTERM(f.leave))
}

// calls is what Lambda's library hands invocations to: as they come, also what is no JSON.
type calls struct {
	function *Function
	handle   Handle
}

func (c calls) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	answer, err := c.function.Invoke(ctx, event, c.handle)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = json.NewEncoder(infra.PrintableJSON(&text)).Encode(answer) // names in it may be anybody's
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// answerTime is what is left of an invocation's time when all work is over: for the answer itself.
const answerTime = 500 * time.Millisecond

// Invoke is one invocation. Its error says in one text what to do about it, since that is all that Lambda passes on.
func (f *Function) Invoke(ctx context.Context, event json.RawMessage, handle Handle) (any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	release := context.AfterFunc(f.life, func() { cancel(context.Cause(f.life)) })
	defer release()
	if deadline, ok := ctx.Deadline(); ok {
		var done context.CancelFunc
		ctx, done = context.WithDeadline(infra.WithEnd(ctx, deadline), deadline.Add(-answerTime))
		defer done()
	}
	answer, err := handle(ctx, event)
	if err == nil {
		return answer, nil
	}
	text, hint := redshift.Public(err), infra.Hint(err) // whoever invokes a function need not be one who may see rows
	f.Log.ErrorContext(ctx, "invocation failed", infra.KeyError, text, infra.KeyHint, hint)
	if hint != "" {
		text += ". " + hint
	}
	return nil, messages.InvokeResponse_Error{Type: failedType, Message: text}
}

// Stop ends the invocation under way, waits for it, and closes all connections. It says whether there was one. Lambda
// leaves half a second for that.
func (f *Function) Stop() (busy bool) {
	f.end(ErrStopped)
	busy = !f.mu.TryLock()
	if busy {
		f.mu.Lock()
	}
	defer f.mu.Unlock()
	if f.pool != nil {
		infra.ClosePool(f.pool)
		f.pool = nil
	}
	return busy
}

// leave ends the process: a function that was told to stop must not take another invocation. The library does not say
// when the answer of one that was under way has been delivered, so it is given a moment.
func (f *Function) leave() {
	const delivery = 200 * time.Millisecond
	if f.Stop() {
		time.Sleep(delivery)
	}
	os.Exit(0)
}

// Pool returns the connections to the cache database. The first call opens them, and checks that the catalog is as this
// program needs it; what fails then is tried again by the next. Later ones drop what has died while the function was
// frozen, and look whether the catalog has still the version of this program. Only [Handle] may call it, once for each
// invocation.
func (f *Function) Pool(ctx context.Context) (*pgxpool.Pool, error) {
	if f.pool != nil {
		bury(ctx, f.pool)
		if err := catalog.In(f.pool).Current(ctx); err != nil {
			return nil, unusable(f.pool, err)
		}
		return f.pool, nil
	}
	pool, err := cloud.OpenPool(ctx, f.cfg.DatabaseConfig, f.AWS)
	if err != nil {
		return nil, err
	}
	if err := catalog.In(pool).Ready(ctx); err != nil {
		pool.Close()
		return nil, unusable(pool, err)
	}
	f.pool = pool
	return pool, nil
}

func unusable(pool *pgxpool.Pool, err error) error {
	return fmt.Errorf("use database %s: %w", pool.Config().ConnConfig.Database, err)
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
