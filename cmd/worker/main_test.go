package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/logtest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/refresh"
)

// beWorker makes this test binary a worker, so that tests have real processes to stop and to kill.
const beWorker = "REDCACHE_TEST_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(beWorker) != "" {
		main()
		return
	}
	pgtest.Main(m)
}

// patience is how long a test waits for something that must happen. Only a failing test waits that long.
const patience = 30 * time.Second

// sourceRows is how many rows the table of the source begins with.
const sourceRows = 300

// bundle is a source and a cache that is linked to it.
type bundle struct {
	source *redshiftsim.Warehouse
	pool   *pgxpool.Pool
	url    string // of the cache
	link   catalog.Link
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupOn(t, cachetest.New(t).URL)
}

func setupOn(t *testing.T, cacheURL string) *bundle {
	t.Helper()
	b := &bundle{source: redshiftsim.For(t), url: cacheURL, pool: pgtest.OpenPool(t, cacheURL)}
	for _, statement := range []string{
		`CREATE TABLE public.sales (id bigint, amount numeric(18,2), updated_at timestamp)`,
		`INSERT INTO public.sales SELECT n, n, timestamp '2026-01-01' + n * interval '1 second'
		 FROM generate_series(1, ` + itoa(sourceRows) + `) n`,
		`GRANT SELECT ON public.sales TO PUBLIC`,
	} {
		b.change(t, statement)
	}
	if _, err := migrate.Up(t.Context(), b.pool); err != nil {
		t.Fatal(err)
	}
	if _, err := b.pool.Exec(t.Context(), `CREATE SCHEMA bi`); err != nil {
		t.Fatal(err)
	}
	var err error
	b.link, err = access.CreateLink(t.Context(), b.pool, catalog.Link{
		Name: "dw", Host: b.source.Host(), Port: b.source.Port(), Database: b.source.Name, User: redshiftsim.User,
		SSLMode: "require", MaxConcurrency: 4,
	}, access.Login{Password: redshiftsim.Password})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// change runs a statement on the source, behind the stand-in's back.
func (b *bundle) change(t *testing.T, sql string) {
	t.Helper()
	if _, err := b.source.Engine.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// addView stores a view of the table that a worker will fill.
func (b *bundle) addView(t *testing.T, name string, strategy catalog.Strategy, every time.Duration) {
	t.Helper()
	v := catalog.NewView(catalog.Name{Schema: "bi", View: name}, b.link)
	v.Query, v.Strategy, v.Key = "SELECT * FROM public.sales", strategy, []string{"id"}
	v.Timeout, v.RefreshEvery = time.Minute, every
	if strategy == catalog.Incremental {
		v.Watermark, v.Lookback = "updated_at", "0"
	}
	definer := refresh.NewDefiner(b.pool, refresh.NewRunner(b.pool, refresh.Config{}))
	if _, err := definer.Add(t.Context(), v, true, nil); err != nil {
		t.Fatalf("%v\n%s", err, infra.Hint(err))
	}
}

// await asks a query that returns one boolean until it is true; errors do not matter, as the server may be down.
func (b *bundle) await(t *testing.T, sql string, args ...any) {
	t.Helper()
	await(t, sql, func() bool {
		var isTrue bool
		err := b.pool.QueryRow(t.Context(), sql, args...).Scan(&isTrue)
		return err == nil && isTrue
	})
}

func await(t *testing.T, what string, isTrue func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !isTrue() {
		select {
		case <-deadline:
			t.Fatalf("never came true: %s", what)
		case <-tick.C:
		}
	}
}

// awaitRuns waits for so many more runs of a state than there are.
func (b *bundle) awaitRuns(t *testing.T, state catalog.RunState, more int) {
	t.Helper()
	var newest int64
	err := b.pool.QueryRow(t.Context(), `SELECT coalesce(max(id), 0) FROM redcache.run`).Scan(&newest)
	if err != nil {
		t.Fatal(err)
	}
	b.await(t, `SELECT count(*) >= $3 FROM redcache.run WHERE id > $1 AND state = $2`, newest, state, more)
}

// wantNone checks that a query returns no row, and names those that it does.
func (b *bundle) wantNone(t *testing.T, what, sql string) {
	t.Helper()
	rows, err := b.pool.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		t.Errorf("%s: %v", what, found)
	}
}

// wantNothingLeft checks that the workers that ended have left nothing behind.
func (b *bundle) wantNothingLeft(t *testing.T) {
	t.Helper()
	b.wantNone(t, "locks left behind", `SELECT l::text FROM pg_locks l WHERE l.locktype = 'advisory'
		AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
	b.wantNone(t, "runs left behind", `SELECT id::text FROM redcache.run WHERE state = 'running'`)
	b.await(t, `SELECT count(*) = 0 FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'redcache worker %'`)
	await(t, "no session is left on the source", func() bool { return b.source.Sessions() == 0 })
}

// process is a worker of its own.
type process struct {
	cmd    *exec.Cmd
	log    *logtest.Log
	exited chan struct{}
}

// start runs a worker that looks often. Its environment has nothing but what it needs and env.
func start(t *testing.T, env ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), log: &logtest.Log{}, exited: make(chan struct{})}
	p.cmd.Env = append([]string{beWorker + "=1", "REDCACHE_POLL=50ms"}, env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait() // its exit code says it all
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it has ended unless the test failed
		<-p.exited
		if t.Failed() {
			t.Logf("worker %d:\n%s", p.cmd.Process.Pid, p.log)
		}
	})
	return p
}

func (b *bundle) start(t *testing.T, env ...string) *process {
	t.Helper()
	return start(t, append([]string{"DATABASE_URL=" + b.url}, env...)...)
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// wait returns the exit code.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		t.Fatal("the worker did not end")
		return 0
	}
}

func (p *process) stop(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	if code := p.wait(t); code != 0 {
		t.Errorf("got exit code %d, want 0", code)
	}
}

func (p *process) awaitLog(t *testing.T, text string) {
	t.Helper()
	await(t, "log has "+text, func() bool { return strings.Contains(p.log.String(), text) })
}

func runHere(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	var out, log bytes.Buffer
	err = run(context.WithoutCancel(t.Context()), args, &out, &log)
	return out.String(), err
}
