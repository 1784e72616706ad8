package session_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

func TestSession_KnowsItsNumberAndTheClock(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, config(t, redshiftsim.For(t)))
	rows, err := s.Rows(t.Context(), `
		SELECT pg_backend_pid(), NULL, current_setting('query_group'), current_setting('application_name')`, 4)
	if err != nil {
		t.Fatal(err)
	}
	if *rows[0][0] != strconv.Itoa(s.PID()) || rows[0][1] != nil || *rows[0][2] != "redcache" || *rows[0][3] != "redcache" {
		t.Errorf("session %d got %v", s.PID(), rows)
	}
	clock, err := time.Parse("2006-01-02 15:04:05.999999", s.Clock())
	if age := time.Since(clock); err != nil || age < -time.Minute || age > time.Minute {
		t.Errorf("clock %q is %v old, %v", s.Clock(), age, err)
	}
}

func TestSession_AsksAndCommands(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, config(t, redshiftsim.For(t)))
	for _, sql := range []string{redshift.BeginSnapshot, "SELECT 1", redshift.EndSnapshot} {
		if err := s.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if rows, err := s.Rows(t.Context(), "SELECT 1 WHERE false", 1); err != nil || len(rows) != 0 {
		t.Errorf("got %v, %v, want no rows", rows, err)
	}
	if _, err := s.Rows(t.Context(), "SELECT 1, 2", 1); err == nil {
		t.Error("two columns were taken for one")
	}
	if err := s.Exec(t.Context(), "SELECT missing"); sqlstate(err) != "42703" {
		t.Errorf("got %v, want SQLSTATE 42703", err)
	}
	r := mustRead(t, s, "SELECT 1 AS v", column("v", "integer"))
	if err := s.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("a command went past an open reader")
	}
	r.Close()
	if err := s.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("after the reader: %v", err)
	}
}

// secret is a password that no error may show.
const secret = `s3cret 'q\`

func TestOpen_TellsRefusedFromUnreachable(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	closed := freePort(t)
	foreign := redshiftsim.For(t).CACert()
	for _, test := range []struct {
		name        string
		change      func(*session.Config)
		unreachable bool
		class       redshift.Class
	}{
		{"wrong password", func(c *session.Config) { c.Password = secret }, false, redshift.Credentials},
		{"unknown user", func(c *session.Config) { c.User = `no 'body\` }, false, redshift.Credentials},
		{"unknown database", func(c *session.Config) { c.Database = "nowhere" }, false, redshift.Never},
		{"no TLS", func(c *session.Config) { c.SSLMode = "disable" }, false, redshift.Never},
		{"bad statement", func(c *session.Config) { c.Prepare = "SET nonsense TO 1" }, false, redshift.Never},
		{"no host", func(c *session.Config) { c.Host = "" }, false, redshift.Never},
		{"two hosts", func(c *session.Config) { c.Host = "a,b" }, false, redshift.Never},
		{"a name for an address", func(c *session.Config) { c.HostAddr = "localhost" }, false, redshift.Never},
		{"unknown sslmode", func(c *session.Config) { c.SSLMode = "maybe" }, false, redshift.Never},
		{"a zero byte", func(c *session.Config) { c.Password = secret + "\x00" }, false, redshift.Never},
		{"nothing listens", func(c *session.Config) { c.Port = closed }, true, redshift.Reconnect},
		{"unresolvable", func(c *session.Config) { c.Host = "warehouse.invalid" }, true, redshift.Reconnect},
		{"foreign authority", func(c *session.Config) {
			c.SSLMode, c.SSLRootCert = "verify-full", foreign
		}, true, redshift.Never},
		{"foreign authority, any name", func(c *session.Config) {
			c.SSLMode, c.SSLRootCert = "verify-ca", foreign
		}, true, redshift.Never},
		{"no authority", func(c *session.Config) { c.SSLMode = "verify-full" }, true, redshift.Never},
		{"root certificate elsewhere", func(c *session.Config) { c.SSLRootCert = "/nowhere/root.crt" }, true, redshift.Never},
		{"wrong name", func(c *session.Config) {
			c.SSLMode, c.SSLRootCert, c.Host, c.HostAddr = "verify-full", w.CACert(), "warehouse.example", w.Host()
		}, true, redshift.Never},
	} {
		c := config(t, w)
		test.change(&c)
		_, err := session.Open(t.Context(), c)
		if err == nil {
			t.Errorf("%s: the session opened", test.name)
			continue
		}
		if session.Unreachable(err) != test.unreachable || redshift.Classify(err) != test.class {
			t.Errorf("%s: unreachable %v, class %v: %v", test.name, session.Unreachable(err), redshift.Classify(err), err)
		}
		if test.unreachable != strings.Contains(infra.Hint(err), "dblink") {
			t.Errorf("%s: hint %q", test.name, infra.Hint(err))
		}
		if shown := fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)); strings.Contains(shown, secret[:6]) ||
			strings.Contains(shown, redshiftsim.Password[:3]) {
			t.Errorf("%s: error %s shows the password", test.name, shown)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	listener := listen(t)
	port := listener.Addr().(*net.TCPAddr).Port
	_ = listener.Close()
	return port
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // may be closed already
	return listener
}

func TestOpen_Verifies(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	for _, change := range []func(*session.Config){
		func(c *session.Config) {},
		func(c *session.Config) { c.SSLMode = "prefer" },
		func(c *session.Config) { c.SSLMode, c.SSLRootCert = "verify-full", w.CACert() },
		func(c *session.Config) { c.SSLMode, c.SSLRootCert = "require", w.CACert() },
		func(c *session.Config) {
			c.SSLMode, c.SSLRootCert, c.Host, c.HostAddr = "verify-ca", w.CACert(), "warehouse.example", w.Host()
		},
		// The name is not resolved when the address is given; TLS verifies the name all the same.
		func(c *session.Config) {
			c.SSLMode, c.SSLRootCert, c.Host, c.HostAddr = "verify-full", w.CACert(), "localhost", w.Host()
		},
		func(c *session.Config) { c.Host, c.HostAddr = "", w.Host() },
	} {
		c := config(t, w)
		change(&c)
		s, err := session.Open(t.Context(), c)
		if err != nil {
			t.Errorf("sslmode %q, host %q at %q: %v", c.SSLMode, c.Host, c.HostAddr, err)
			continue
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestOpen_GivesASilentServerUp(t *testing.T) {
	t.Parallel()
	listener := listen(t)
	c := session.Config{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, Database: "d", User: "u", Password: secret,
		ConnectTimeout: 50 * time.Millisecond,
	}
	for _, mode := range []string{"require", "disable"} {
		c.SSLMode = mode
		_, err := session.Open(t.Context(), c)
		if !session.Unreachable(err) || redshift.Classify(err) != redshift.Reconnect ||
			!strings.Contains(infra.Hint(err), "security group") {
			t.Errorf("%s: got %v, class %v, hint %q", mode, err, redshift.Classify(err), infra.Hint(err))
		}
		c.ConnectTimeout = 0
		gaveUp := errors.New("gave up")
		ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, gaveUp)
		_, err = session.Open(ctx, c)
		cancel()
		if session.Unreachable(err) || !errors.Is(err, gaveUp) {
			t.Errorf("%s: got %v, want the end of the context", mode, err)
		}
		c.ConnectTimeout = 50 * time.Millisecond
	}
}

// The worker's environment is for its own database, and a home may hold what another program needs.
func TestOpen_IgnoresTheEnvironment(t *testing.T) {
	w := redshiftsim.For(t)
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".postgresql"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		".pgpass": "*:*:*:*:wrong", ".postgresql/root.crt": "no certificate", ".postgresql/postgresql.crt": "none",
		".postgresql/postgresql.key": "none", ".pg_service.conf": "[present]\nhost=nowhere.invalid\noptions=-c x=y\nfoo=bar\n",
	} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("HOME", home)
	for name, value := range map[string]string{
		"PGHOST": "nowhere.invalid", "PGPORT": "nonsense", "PGDATABASE": "nowhere", "PGUSER": "nobody", "PGPASSWORD": "wrong",
		"PGPASSFILE": filepath.Join(home, ".pgpass"), "PGAPPNAME": "elsewhere", "PGCONNECT_TIMEOUT": "nonsense",
		"PGSSLMODE": "disable", "PGSSLKEY": "/nowhere", "PGSSLCERT": "/nowhere", "PGSSLCERTMODE": "require", "PGSSLSNI": "0",
		"PGSSLROOTCERT": "/nowhere", "PGSSLPASSWORD": "wrong", "PGSSLNEGOTIATION": "direct",
		"PGTARGETSESSIONATTRS": "primary", "PGTZ": "Asia/Tokyo", "PGOPTIONS": "-c extra_float_digits=3",
		"PGMINPROTOCOLVERSION": "3.2", "PGMAXPROTOCOLVERSION": "nonsense", "PGCHANNELBINDING": "require",
		"PGREQUIREAUTH": "none",
	} {
		t.Setenv(name, value)
	}
	for _, service := range []string{"", "present", "missing"} {
		t.Setenv("PGSERVICE", service)
		c := config(t, w)
		c.Prepare = ""
		s, err := session.Open(t.Context(), c)
		if err != nil {
			t.Fatalf("service %q: %v", service, err)
		}
		rows, err := s.Rows(t.Context(), `
			SELECT current_user, current_setting('application_name'), current_setting('timezone'),
			       current_setting('extra_float_digits')`, 4)
		if err != nil {
			t.Fatal(err)
		}
		got := *rows[0][0] + " " + *rows[0][1] + " " + *rows[0][2] + " " + *rows[0][3]
		if got != redshiftsim.User+" redcache UTC 0" {
			t.Errorf("service %q: got %s", service, got)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		c.Password = "" // must not be looked up anywhere
		if _, err := session.Open(t.Context(), c); redshift.Classify(err) != redshift.Credentials {
			t.Errorf("service %q: without a password: %v", service, err)
		}
	}
}

func TestOpen_MeetsAnExpiredPassword(t *testing.T) {
	t.Parallel()
	w := redshiftsim.For(t)
	s := mustOpen(t, config(t, w))
	w.ExpirePassword(redshiftsim.User)
	_, err := session.Open(t.Context(), config(t, w))
	if session.Unreachable(err) || redshift.Classify(err) != redshift.Credentials {
		t.Errorf("got %v, want refused credentials", err)
	}
	if err := s.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the open session: %v", err)
	}
}

func TestSession_LeavesNothingBehind(t *testing.T) {
	w := redshiftsim.For(t)
	c := config(t, w)
	before := goleak.IgnoreCurrent()
	for _, use := range []func(*session.Session){
		func(*session.Session) {},
		func(s *session.Session) { _ = s.Exec(t.Context(), "SELECT missing") },
		func(*session.Session) { w.DropAll() },
		func(s *session.Session) { mustRead(t, s, "SELECT * FROM generate_series(1, 100000) AS v", number) },
	} {
		s, err := session.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		use(s)
		for range 2 {
			if err := s.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := s.Exec(t.Context(), "SELECT 1"); err == nil {
			t.Error("a closed session took a command")
		}
		if _, err := s.Read(t.Context(), "SELECT 1 AS v", []redshift.Column{number}, session.StripNUL); err == nil {
			t.Error("a closed session took a query")
		}
		await(t, func() bool { return w.Sessions() == 0 })
	}
	c.Password = "wrong"
	if _, err := session.Open(t.Context(), c); err == nil {
		t.Error("a wrong password was taken")
	}
	goleak.VerifyNone(t, before)
}

// number is the column of a query for numbers.
var number = column("v", "integer")
