package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// asProcess makes this binary cachectl itself, for the tests that need a process: one that gets signals.
const asProcess = "CACHECTL_TEST_AS_PROCESS"

func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		main()
	}
	pgtest.Main(m)
}

// TestScripts runs the very program against a cache database and a source of each script's own. Beside testscript's
// commands there are:
//
//	cachectl ARG…            runs it, and wants exit status 0; whatever it says, checkAdvice looks at
//	exits N cachectl ARG…    runs it, and wants exit status N
//	feed FILE                is what the next cachectl reads from stdin
//	sql STATEMENT            runs SQL in the cache database as its owner; rows go to stdout, NULL as (null)
//	admin STATEMENT          the same, as superuser
//	source STATEMENT         the same, in the source behind the stand-in's back
//	hold VIEW                somebody else takes the lock of a view
//	release-later            that one lets go as soon as somebody waits for it
//	warehouse pause|resume|move|expire|note  what happens to the stand-in; note: it notes changes of tables at once
//	warehouse expire USER    no password of that login is good any more
//	warehouse password VAR   its login gets the password in that variable
//	warehouse refuse TEXT    it refuses the next statement with that text
//	aws …                    what happens to AWS, see amazon
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               setUp,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"cachectl":      func(ts *testscript.TestScript, neg bool, args []string) { cachectl(ts, neg, exitDone, args) },
			"exits":         exits,
			"feed":          feed,
			"sql":           func(ts *testscript.TestScript, neg bool, args []string) { runSQL(ts, neg, "DATABASE_URL", args) },
			"admin":         func(ts *testscript.TestScript, neg bool, args []string) { runSQL(ts, neg, "ADMIN_URL", args) },
			"source":        func(ts *testscript.TestScript, neg bool, args []string) { runSQL(ts, neg, "SOURCE_URL", args) },
			"hold":          hold,
			"release-later": releaseLater,
			"warehouse":     warehouse,
			"aws":           amazon,
		},
	})
}

// bench is what a script works with.
type bench struct {
	t      testing.TB
	source *redshiftsim.Warehouse
	aws    *cloudy // nil: there is none
	input  []byte
	holder *pgx.Conn
}

type benchKey struct{}

func setUp(env *testscript.Env) error {
	t, ok := env.T().(testing.TB)
	if !ok {
		return fmt.Errorf("scripts need a testing.TB, got %T", env.T())
	}
	cache, source := pgtest.New(t), redshiftsim.For(t)
	if err := cache.Admin(t.Context(), cache.Name, "REVOKE ALL ON SCHEMA public FROM PUBLIC"); err != nil {
		return err
	}
	b := &bench{t: t, source: source}
	env.Values[benchKey{}] = b
	env.Setenv("DATABASE_URL", cache.URL)
	env.Setenv("ADMIN_URL", cache.AdminURL(cache.Name))
	env.Setenv("CACHE", fmt.Sprintf("%s:%d/%s", cache.Host, cache.Port, cache.Name))
	env.Setenv("SOURCE_URL", source.EngineURL)
	env.Setenv("CACHE_HOST", cache.Host)
	env.Setenv("CACHE_PORT", strconv.Itoa(cache.Port))
	env.Setenv("CACHE_DATABASE", cache.Name)
	env.Setenv("CACHE_PASSWORD", cache.OwnerPassword)
	env.Setenv("DW_HOST", source.Host())
	env.Setenv("DW_PORT", strconv.Itoa(source.Port()))
	env.Setenv("DW_DATABASE", source.Name)
	env.Setenv("DW_USER", redshiftsim.User)
	env.Setenv("DW_PASSWORD", redshiftsim.Password)
	env.Setenv("DW_CA", source.CACert())
	return nil
}

func of(ts *testscript.TestScript) *bench { return ts.Value(benchKey{}).(*bench) }

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || args[1] != "cachectl" || neg {
		ts.Fatalf("usage: exits N cachectl ARG…")
	}
	status, err := strconv.Atoi(args[0])
	ts.Check(err)
	cachectl(ts, false, status, args[2:])
}

func cachectl(ts *testscript.TestScript, neg bool, want int, args []string) {
	if neg {
		ts.Fatalf("write `exits N cachectl …`")
	}
	b := of(ts)
	perform := b.call
	if b.aws != nil {
		perform = b.process
	}
	got, stdout, stderr := perform(ts, args)
	b.input = nil
	fmt.Fprint(ts.Stdout(), stdout)
	fmt.Fprint(ts.Stderr(), stderr)
	secretless(ts, "stdout", stdout)
	secretless(ts, "stderr", stderr)
	checkAdvice(ts, args, got, stdout, stderr)
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// call runs cachectl in this process.
func (b *bench) call(ts *testscript.TestScript, args []string) (status int, stdout, stderr string) {
	var out, talk bytes.Buffer
	lookup := func(name string) (string, bool) { value := ts.Getenv(name); return value, value != "" }
	status = run(context.Background(), args, lookup, bytes.NewReader(b.input), &out, &talk)
	return status, out.String(), talk.String()
}

// secretless fails when a secret shows anywhere in what the program said.
func secretless(ts *testscript.TestScript, where, text string) {
	for _, name := range []string{"DATABASE_URL", "CACHE_PASSWORD", "DW_PASSWORD", "DW_NEXT_PASSWORD"} {
		secret := ts.Getenv(name)
		if config, err := pgx.ParseConfig(secret); err == nil && name == "DATABASE_URL" {
			secret = config.Password
		}
		if secret != "" && strings.Contains(text, secret) {
			ts.Fatalf("%s shows the secret of %s:\n%s", where, name, text)
		}
	}
}

func feed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: feed FILE")
	}
	of(ts).input = []byte(ts.ReadFile(args[0]))
}

func runSQL(ts *testscript.TestScript, neg bool, url string, args []string) {
	conn, err := pgx.Connect(context.Background(), ts.Getenv(url))
	ts.Check(err)
	defer conn.Close(context.Background())
	rows, err := conn.Query(context.Background(), strings.Join(args, " "), pgx.QueryExecModeSimpleProtocol)
	if err != nil && neg {
		return
	}
	ts.Check(err)
	for rows.Next() {
		fields := rows.RawValues()
		texts := make([]string, len(fields))
		for i, field := range fields {
			texts[i] = string(field)
			if field == nil {
				texts[i] = "(null)"
			}
		}
		fmt.Fprintln(ts.Stdout(), strings.Join(texts, "|"))
	}
	if err := rows.Err(); (err != nil) != neg {
		ts.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
}

// hold begins a transaction of somebody else's that has the lock of a view.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold VIEW")
	}
	b, ctx := of(ts), context.Background()
	config, err := pgx.ParseConfig(ts.Getenv("DATABASE_URL"))
	ts.Check(err)
	config.RuntimeParams["application_name"] = "redcache worker host-a"
	b.holder, err = pgx.ConnectConfig(ctx, config)
	ts.Check(err)
	ts.Defer(func() { _ = b.holder.Close(ctx) })
	_, err = b.holder.Exec(ctx, `BEGIN`)
	ts.Check(err)
	tag, err := b.holder.Exec(ctx, `
		SELECT pg_advisory_xact_lock('redcache.view'::regclass::oid::bigint::bit(32)::integer, id)
		FROM redcache.view WHERE format('%I.%I', schema_name, view_name) = $1`, args[0])
	ts.Check(err)
	if tag.RowsAffected() != 1 {
		ts.Fatalf("there is no view %s to hold", args[0])
	}
}

// releaseLater ends that transaction once there is somebody who waits for its lock.
func releaseLater(ts *testscript.TestScript, _ bool, _ []string) {
	b := of(ts)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	released := make(chan error, 1)
	go func() {
		released <- awaitWaiter(ctx, b.holder)
	}()
	ts.Defer(func() {
		defer cancel()
		ts.Check(<-released)
	})
}

func awaitWaiter(ctx context.Context, holder *pgx.Conn) error {
	const waiting = `SELECT count(*) FROM pg_locks, pg_sleep(0.01) WHERE locktype = 'advisory' AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	for {
		var waiters int
		if err := holder.QueryRow(ctx, waiting).Scan(&waiters); err != nil {
			return err
		}
		if waiters > 0 {
			_, err := holder.Exec(ctx, `ROLLBACK`)
			return err
		}
	}
}

func warehouse(ts *testscript.TestScript, neg bool, args []string) {
	source := of(ts).source
	switch {
	case slices.Equal(args, []string{"pause"}):
		source.Pause()
	case slices.Equal(args, []string{"resume"}):
		ts.Check(source.Resume(context.Background()))
	case slices.Equal(args, []string{"move"}):
		ts.Check(source.Move(context.Background()))
	case len(args) == 2 && args[0] == "expire":
		source.ExpirePassword(args[1])
	case slices.Equal(args, []string{"expire"}):
		source.ExpirePassword(redshiftsim.User)
	case slices.Equal(args, []string{"note"}):
		source.NoteChangesAfter(0)
	case len(args) == 2 && args[0] == "password":
		source.SetPassword(redshiftsim.User, ts.Getenv(args[1]))
	case len(args) == 2 && args[0] == "refuse":
		source.FailNext(args[1], redshiftsim.EngineError{Code: "42501", Message: "permission denied"})
	default:
		ts.Fatalf("usage: warehouse pause|resume|move|expire [USER]|note|password VAR|refuse TEXT")
	}
}
