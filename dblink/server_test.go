package dblink_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/redshift"
)

var somewhere = redshift.Server{Name: "dw", Host: "dw.example.com", Database: "dev", User: "cache_ro"}

func TestCreateSQL(t *testing.T) {
	t.Parallel()
	s := somewhere
	s.Name, s.Host, s.HostAddr = `a"b`, `it's\here`, "10.0.0.7"
	got := dblink.CreateSQL(s)
	for _, fragment := range []string{
		`CREATE SERVER "a""b" FOREIGN DATA WRAPPER postgres_fdw`, `"host" E'it''s\\here'`, `"hostaddr" '10.0.0.7'`,
		`"port" '5439'`, `"sslmode" 'require'`, `"gssencmode" 'disable'`, `"connect_timeout" '10'`,
	} {
		linktest.Contains(t, got, fragment)
	}
}

func TestOptions_OfNoServer(t *testing.T) {
	t.Parallel()
	b := &linktest.Bundle{Cache: pgtest.New(t).Pool(t)}
	b.InTx(t, func(tx pgx.Tx) {
		if _, err := dblink.Options(t.Context(), tx, "nowhere"); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("got %v, want ErrNoRows", err)
		}
	})
}

func TestExtensions_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{Extensions: []string{}})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pool := pgtest.OpenPool(t, cluster.OwnerURL(name))
	for _, step := range []struct{ fix, want string }{
		{`CREATE SCHEMA "odd place"; CREATE EXTENSION dblink SCHEMA "odd place"`, "CREATE EXTENSION dblink"},
		{`GRANT USAGE ON SCHEMA "odd place" TO redcache_owner`, `GRANT USAGE ON SCHEMA "odd place" TO "redcache_owner"`},
		{"CREATE EXTENSION postgres_fdw", "CREATE EXTENSION postgres_fdw"},
		{
			"GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO redcache_owner",
			`GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO "redcache_owner"`,
		},
	} {
		var missing *dblink.MissingExtensionError
		if _, err := dblink.Extensions(t.Context(), pool); !errors.As(err, &missing) {
			t.Fatalf("got %v, want a MissingExtensionError about %s", err, step.want)
		}
		linktest.Contains(t, missing.Hint(), step.want)
		linktest.Contains(t, missing.Hint(), "rds_superuser")
		if err := cluster.Admin(t.Context(), name, step.fix); err != nil {
			t.Fatal(err)
		}
	}
	if schema, err := dblink.Extensions(t.Context(), pool); err != nil || schema != "odd place" {
		t.Errorf("got %q, %v", schema, err)
	}
	revoke := "REVOKE USAGE ON FOREIGN DATA WRAPPER postgres_fdw FROM redcache_owner"
	if err := cluster.Admin(t.Context(), name, revoke); err != nil {
		t.Fatal(err)
	}
	if _, err := dblink.Extensions(t.Context(), pool); !errors.As(err, new(*dblink.MissingExtensionError)) {
		t.Errorf("to make a link: got %v, want a MissingExtensionError", err)
	}
	if schema, err := dblink.Home(t.Context(), pool); err != nil || schema != "odd place" {
		t.Errorf("to use one: got %q, %v", schema, err)
	}
}

// talkative logs all that a server can log about statements.
var talkative = map[string]string{
	"log_statement": "all", "log_min_duration_statement": "0", "log_min_error_statement": "debug5",
	"log_min_messages": "notice", "log_error_verbosity": "verbose", "log_parameter_max_length": "-1",
	"log_parameter_max_length_on_error": "-1", "log_lock_waits": "on", "deadlock_timeout": "10ms",
}

func TestSetPassword_KeepsItOutOfLogsAndErrors(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{Settings: talkative})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pool := pgtest.OpenPool(t, cluster.OwnerURL(name))
	const password = `Geheim\'"42 $1`
	try := func(fn func(tx pgx.Tx) error) error {
		err := pgx.BeginFunc(t.Context(), pool, fn)
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "Geheim") {
			t.Errorf("an error has the password: %s", text)
		}
		return err
	}
	set := func(tx pgx.Tx) error { return dblink.SetPassword(t.Context(), tx, "dw", "cache_ro", password) }

	if err := try(set); !errors.Is(err, dblink.ErrNoServer) {
		t.Errorf("got %v, want ErrNoServer", err)
	}
	create := func(tx pgx.Tx) error { return dblink.Create(t.Context(), tx, somewhere, password) }
	if err := try(create); err != nil {
		t.Fatal(err)
	}
	if err := try(create); redshift.ServerCode(err, redshift.Here) != "42710" {
		t.Errorf("got %v, want 42710, the server exists", err)
	}
	if err := try(set); err != nil { // the mapping exists and is replaced
		t.Error(err)
	}
	if err := cluster.Admin(t.Context(), name, "REVOKE USAGE ON FOREIGN DATA WRAPPER postgres_fdw FROM redcache_owner",
		"ALTER SERVER dw OWNER TO postgres"); err != nil {
		t.Fatal(err)
	}
	if err := try(set); redshift.ServerCode(err, redshift.Here) != "42501" {
		t.Errorf("got %v, want 42501, the server is somebody else's", err)
	}
	if err := cluster.Admin(t.Context(), name, "ALTER SERVER dw OWNER TO redcache_owner"); err != nil {
		t.Fatal(err)
	}
	setTwiceAtOnce(t, try, set)

	got := linktest.Text(t, pool, "SELECT umoptions::text FROM pg_catalog.pg_user_mappings WHERE srvname = 'dw'")
	linktest.Contains(t, got, "Geheim") // so that the search below looks for something that is there
	log, err := cluster.Log()
	if err != nil {
		t.Fatal(err)
	}
	linktest.Contains(t, log, "redcache_secret")
	for line := range strings.SplitSeq(log, "\n") {
		if strings.Contains(line, "Geheim") && !strings.Contains(line, "pg_user_mappings") {
			t.Errorf("the log has the password: %s", line)
		}
	}
}

// setTwiceAtOnce makes one transaction wait for another one that sets the same password, long enough to be logged.
func setTwiceAtOnce(t *testing.T, try func(func(pgx.Tx) error) error, set func(pgx.Tx) error) {
	t.Helper()
	var second sync.WaitGroup
	err := try(func(tx pgx.Tx) error {
		if err := set(tx); err != nil {
			return err
		}
		second.Go(func() {
			if err := try(set); err != nil {
				t.Error(err)
			}
		})
		for waiting := false; !waiting; {
			err := tx.QueryRow(t.Context(), "SELECT count(*) > 0 FROM pg_catalog.pg_locks WHERE NOT granted").Scan(&waiting)
			if err != nil {
				return err
			}
		}
		_, err := tx.Exec(t.Context(), "SELECT pg_catalog.pg_sleep(0.05)") // longer than deadlock_timeout
		return err
	})
	second.Wait()
	if err != nil {
		t.Error(err)
	}
}

func TestSetPassword_RefusesAServerThatRecordsNestedStatements(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{Settings: map[string]string{
		"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "all",
	}})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	create := func() error {
		pool := pgtest.OpenPool(t, cluster.OwnerURL(name)) // new sessions, for what is set for the role
		return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
			return dblink.Create(t.Context(), tx, somewhere, "secret")
		})
	}
	for _, remedy := range []string{
		"ALTER ROLE redcache_owner SET pg_stat_statements.track = 'top'; ALTER ROLE redcache_owner SET pgaudit.log = 'read, ddl'",
		"ALTER ROLE redcache_owner SET pgaudit.log = 'all, -ddl'; ALTER ROLE redcache_owner SET log_min_messages = 'debug1'",
		"ALTER ROLE redcache_owner RESET log_min_messages; ALTER ROLE redcache_owner SET debug_print_parse TO on",
		"ALTER ROLE redcache_owner RESET debug_print_parse; ALTER ROLE redcache_owner SET log_parser_stats TO on",
		"ALTER ROLE redcache_owner RESET log_parser_stats; " +
			"CREATE FUNCTION public.speak() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE LOG ''%'', tg_tag; END'; " +
			`CREATE EVENT TRIGGER "it ""speaks""" ON ddl_command_start EXECUTE FUNCTION public.speak()`,
		`DROP EVENT TRIGGER "it ""speaks"""; CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('ALTER USER MAPPING') EXECUTE FUNCTION public.speak()`,
		`ALTER EVENT TRIGGER e DISABLE; CREATE EVENT TRIGGER f ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.speak()`,
	} {
		err := create()
		if _, hint := redshift.Explain(err); !errors.Is(err, dblink.ErrPasswordExposed) || hint == "" {
			t.Errorf("before %s: got %v, want ErrPasswordExposed and a hint", remedy, err)
		}
		if err := cluster.Admin(t.Context(), name, remedy); err != nil {
			t.Fatal(err)
		}
	}
	if err := create(); err != nil {
		t.Errorf("after the advice was followed: %v", err)
	}
}
