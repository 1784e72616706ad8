package infra_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestOpenPool_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	silent := listen(t) // accepts, and never says a word
	closed := listen(t)
	_ = closed.Close()
	const secret = "s3cret"
	good := fmt.Sprintf("%s:%d", db.Host, db.Port)
	for _, tt := range []struct {
		name, url string
		why       string // part of the error
		next      string // part of the hint
	}{
		{"not set", "", "DATABASE_URL is not set", "postgres://"},
		{"no URL", secret, "not a valid connection URL", "postgres://"},
		{"slash in the password", "postgres://u:" + secret + "/x@h/d", "not a valid connection URL", "%40"},
		{"bad escape", "postgres://u:" + secret + "%zz@h/d", "not a valid connection URL", "%40"},
		{"no CA file", "postgres://u:" + secret + "@h/d?sslrootcert=/nowhere/ca.pem", "file /nowhere/ca.pem: no such file", "authorities"},
		{"bad option", "postgres://u:" + secret + "@h/d?sslmode=perhaps", "not a valid connection URL", ""},
		{"wrong password", db.Cluster.URL(db.Name, pgtest.Owner, secret), "password authentication failed", "password"},
		{"unknown user", db.Cluster.URL(db.Name, "nobody", secret), "nobody", "Check user"},
		{"unknown database", db.OwnerURL("nowhere"), `database "nowhere" does not exist`, "Create the database"},
		{"closed port", "postgres://u:" + secret + "@" + closed.Addr().String() + "/d", "refused", "PostgreSQL runs"},
		{"unknown host", "postgres://u:" + secret + "@no-such-host.invalid/d", "no-such-host.invalid", "resolve"},
		{"no TLS", "postgres://u:" + secret + "@" + good + "/d?sslmode=require", "refused TLS", "sslmode"},
		{
			"silence", "postgres://u:" + secret + "@" + silent.Addr().String() + "/d?sslmode=disable",
			"timed out after 200ms", "firewall",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := infra.DatabaseConfig{URL: tt.url}
			if tt.name == "silence" {
				config.ConnectTimeout = 200 * time.Millisecond
			}
			_, err := infra.OpenPool(t.Context(), config)
			if err == nil {
				t.Fatal("got no error")
			}
			hint := infra.Hint(err)
			if !strings.Contains(err.Error(), tt.why) || !strings.Contains(hint, tt.next) || hint == "" {
				t.Errorf("got error %q, hint %q; want parts %q, %q", err, hint, tt.why, tt.next)
			}
			if text := fmt.Sprintf("%+v %s", err, hint); strings.Contains(text, secret) ||
				strings.Contains(text, db.OwnerPassword) {
				t.Error("the password is in the error or its hint")
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has several lines: %q", err)
			}
		})
	}
}

// What the environment says beside the URL is not blamed on the URL.
func TestOpenPool_NamesWhatTheEnvironmentSays(t *testing.T) {
	const url = "postgres://u:s3cret@h/d"
	for _, tt := range []struct{ name, value, why, next string }{
		{"PGSSLMODE", "perhaps", "in the environment is wrong: PGSSLMODE", "unset it"},
		{"PGTARGETSESSIONATTRS", "s3cret", "in the environment is wrong: PGTARGETSESSIONATTRS", "unset it"},
		{"PGCONNECT_TIMEOUT", "x", "in the environment is wrong: PGCONNECT_TIMEOUT", "unset it"},
		{"PGSERVICE", "nowhere", "in the environment is wrong: PGSERVICE", "unset it"},
		{"PGSSLROOTCERT", "/nowhere/ca.pem", "PGSSLROOTCERT of the environment names file /nowhere/ca.pem: no such file", "change PGSSLROOTCERT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(tt.name, tt.value)
			_, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: url})
			if err == nil || !strings.Contains(err.Error(), tt.why) || !strings.Contains(infra.Hint(err), tt.next) ||
				strings.Contains(err.Error()+infra.Hint(err), "s3cret") {
				t.Errorf("got error %v, hint %q; want parts %q, %q", err, infra.Hint(err), tt.why, tt.next)
			}
		})
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func TestOpenPool_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := infra.OpenPool(ctx, infra.DatabaseConfig{URL: pgtest.New(t).URL})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's end", err)
	}
}

func TestOpenPool_TakesFieldsBeforeTheURLBeforeDefaults(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	withOptions := db.URL + "&application_name=from-url&pool_max_conns=3"
	for _, tt := range []struct {
		name        string
		config      infra.DatabaseConfig
		application string
		conns       int32
	}{
		{"defaults", infra.DatabaseConfig{URL: db.URL}, "redcache", 10},
		{"URL", infra.DatabaseConfig{URL: withOptions}, "from-url", 3},
		{"fields", infra.DatabaseConfig{URL: withOptions, Application: "field", MaxConns: 2}, "field", 2},
	} {
		pool, err := infra.OpenPool(t.Context(), tt.config)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		defer pool.Close()
		var application string
		err = pool.QueryRow(t.Context(), `SELECT current_setting('application_name')`).Scan(&application)
		if err != nil || application != tt.application || pool.Config().MaxConns != tt.conns {
			t.Errorf("%s: got %q (%v) with %d connections, want %q with %d",
				tt.name, application, err, pool.Config().MaxConns, tt.application, tt.conns)
		}
	}
}

// A transaction pooler gives each transaction any server connection: a statement that was prepared under a name would
// be missing there, or be there already.
func TestOpenPool_PreparesNothingUnderAName(t *testing.T) {
	t.Parallel()
	pool := openPool(t, pgtest.New(t).URL)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	defer conn.Release()
	for range 3 {
		var got int
		if err := conn.QueryRow(t.Context(), `SELECT $1::integer + 1`, 41).Scan(&got); err != nil || got != 42 {
			t.Fatalf("got %d, %v", got, err)
		}
	}
	var named int
	err = conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_catalog.pg_prepared_statements`).Scan(&named)
	if err != nil || named != 0 {
		t.Errorf("%d named statements, %v; want none", named, err)
	}
}

// Not parallel: it looks at the goroutines of the whole process.
func TestOpenPool_LeavesNoGoroutine(t *testing.T) {
	db := pgtest.New(t)
	before := goleak.IgnoreCurrent()
	pool := openPool(t, db.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := pool.Exec(ctx, `SELECT pg_catalog.pg_sleep(3600)`); err == nil {
		t.Error("an hour passed in 20 ms")
	}
	pool.Close()
	closed := listen(t)
	_ = closed.Close()
	_, err := infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: "postgres://u@" + closed.Addr().String() + "/d"})
	if err == nil {
		t.Error("got no error from a closed port")
	}
	goleak.VerifyNone(t, before)
}

func TestDatabaseConfig_PrintsNoPassword(t *testing.T) {
	t.Parallel()
	const secret = "s3cret"
	config := infra.DatabaseConfig{URL: "postgres://u:" + secret + "@h:5432/d?sslpassword=" + secret, MaxConns: 3}
	nested := struct{ Database infra.DatabaseConfig }{config}
	var logged bytes.Buffer
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "config", config)
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "config", config)
	for name, text := range map[string]string{
		"%v": fmt.Sprintf("%v", config), "%+v": fmt.Sprintf("%+v", config), "%#v": fmt.Sprintf("%#v", config),
		"String": config.String(), "pointer": fmt.Sprintf("%v", &config),
		"nested": fmt.Sprintf("%+v", nested), "nested %#v": fmt.Sprintf("%#v", nested), "log": logged.String(),
		"Redacted": infra.Redacted(nested),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows the password", name)
		}
		if !strings.Contains(text, "h:5432") {
			t.Errorf("%s shows no host: %s", name, text)
		}
	}
}
