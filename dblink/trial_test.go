package dblink_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
)

func TestTry_SaysHowFarItGot(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(s *redshift.Server)
		spoil  func(t *testing.T, w *redshiftsim.Warehouse)
		want   dblink.Step
	}{
		{name: "works"},
		{name: "dns", want: dblink.AtDNS, change: func(s *redshift.Server) { s.Host = "ssl-error.invalid" }},
		{name: "closed port", want: dblink.AtTCP, change: func(s *redshift.Server) { s.Port = 1 }},
		{name: "no TLS wanted", want: dblink.AtTLS, change: func(s *redshift.Server) { s.SSLMode = "disable" }},
		{name: "no such authority", want: dblink.AtTLS, change: func(s *redshift.Server) { s.SSLMode = "verify-full" }},
		{name: "wrong user", want: dblink.AtLogin, change: func(s *redshift.Server) { s.User = `ssl error "x" SSL off` }},
		{name: "wrong database", want: dblink.AtLogin, change: func(s *redshift.Server) { s.Database = "could not translate host name" }},
		{name: "wrong password", want: dblink.AtLogin, spoil: func(_ *testing.T, w *redshiftsim.Warehouse) {
			w.SetPassword(redshiftsim.User, "another")
		}},
		{name: "full", want: dblink.AtLogin, spoil: func(_ *testing.T, w *redshiftsim.Warehouse) { w.LimitSessions(0) }},
		{name: "paused", want: dblink.AtTCP, spoil: func(_ *testing.T, w *redshiftsim.Warehouse) { w.Pause() }},
		{name: "refused preparation", want: dblink.AtSelect, spoil: failNext("SET datestyle")},
		{name: "refused query", want: dblink.AtSelect, spoil: failNext("SELECT current_user")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := linktest.Unlinked(t, `d"w`)
			if tt.change != nil {
				tt.change(&b.Server)
			}
			if tt.spoil != nil {
				tt.spoil(t, b.Warehouse)
			}
			b.InTx(t, func(tx pgx.Tx) {
				if err := dblink.Create(t.Context(), tx, b.Server, redshiftsim.Password); err != nil {
					t.Fatal(err)
				}
				trial, err := dblink.Try(t.Context(), tx, b.Server.Name, redshift.Settings{})
				if err != nil {
					t.Fatal(err)
				}
				if trial.Failed != tt.want || (trial.Cause != nil) != (tt.want != "") {
					t.Errorf("failed at %q, want %q: %v", trial.Failed, tt.want, trial.Cause)
				}
				if tt.want == "" && (trial.RoundTrip <= 0 || trial.User != redshiftsim.User) {
					t.Errorf("got %+v, want a round trip and the user", trial)
				}
				if got := linktest.Text(t, tx, "SELECT coalesce(array_length(public.dblink_get_connections(), 1), 0)::text"); got != "0" {
					t.Errorf("%s connections are left open", got)
				}
			})
		})
	}
}

func failNext(statement string) func(t *testing.T, w *redshiftsim.Warehouse) {
	return func(_ *testing.T, w *redshiftsim.Warehouse) {
		w.FailNext(statement, redshiftsim.EngineError{Code: "42501", Message: "permission denied"})
	}
}

// What is not the link's failure is no trial.
func TestTry_FailsWhereItCannotBegin(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	b.InTx(t, func(tx pgx.Tx) {
		if _, err := dblink.Try(t.Context(), tx, "none", redshift.Settings{}); !errors.Is(err, dblink.ErrNoServer) {
			t.Errorf("got %v, want %v", err, dblink.ErrNoServer)
		}
	})
}

// Messages as libpq of PostgreSQL 13 to 18 writes them; their preface has names that look like causes.
func TestFailedStep_ReadsLibpq(t *testing.T) {
	t.Parallel()
	const at = `connection to server at "ssl-failed.example.com" (10.0.0.7), port 5439 failed: `
	for _, tt := range []struct {
		detail string
		want   dblink.Step
	}{
		{`could not translate host name "fatal: x" to address: Name or service not known`, dblink.AtDNS},
		{at + "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?", dblink.AtTCP},
		{"could not connect to server: Connection refused\n\tIs the server running on host \"ssl error\" (10.0.0.7) and accepting\n" +
			"\tTCP/IP connections on port 5439?", dblink.AtTCP},
		{at + "Connection timed out\n\tIs the server running on that host and accepting TCP/IP connections?", dblink.AtTCP},
		{at + "timeout expired", dblink.AtTCP},
		{"timeout expired", dblink.AtTCP},
		{at + "Network is unreachable\n\tIs the server running?\n" + at + "timeout expired", dblink.AtTCP},
		{at + "server does not support SSL, but SSL was required", dblink.AtTLS},
		{`root certificate file "/root.crt" does not exist` + "\nEither provide the file or change sslmode.", dblink.AtTLS},
		{at + `root certificate file "/root.crt" does not exist`, dblink.AtTLS},
		{at + "SSL error: certificate verify failed", dblink.AtTLS},
		{at + `server certificate for "a" does not match host name "b"`, dblink.AtTLS},
		{at + "received invalid response to SSL negotiation: H", dblink.AtTLS},
		{at + "SSL SYSCALL error: EOF detected", dblink.AtTLS},
		{at + "server closed the connection unexpectedly\n\tThis probably means …", dblink.AtTLS},
		{at + `FATAL:  no pg_hba.conf entry for host "::1", user "u", database "d", SSL off`, dblink.AtTLS},
		{at + `FATAL:  no pg_hba.conf entry for host "::1", user "u", database "d", no encryption`, dblink.AtTLS},
		{at + `FATAL:  no pg_hba.conf entry for host "::1", user "u", database "d", SSL on`, dblink.AtLogin},
		{at + `FATAL:  password authentication failed for user "could not translate host name"`, dblink.AtLogin},
		{`FATAL:  password authentication failed for user "IAM:x"` + "\n", dblink.AtLogin},
		{at + `FATAL:  database "server closed the connection" does not exist`, dblink.AtLogin},
		{at + "fe_sendauth: no password supplied", dblink.AtLogin},
		{at + "authentication method 13 not supported", dblink.AtLogin},
	} {
		err := &pgconn.PgError{Code: "08001", Message: "could not establish connection", Detail: tt.detail}
		if got, remote := dblink.FailedStep(err); got != tt.want || !remote {
			t.Errorf("%s: got %q, %v, want %q", tt.detail, got, remote, tt.want)
		}
	}
	for _, local := range []error{
		errors.New("broken"), &pgconn.PgError{Code: "42501", Message: "permission denied for foreign server dw"}, nil,
	} {
		if step, remote := dblink.FailedStep(local); remote {
			t.Errorf("%v: got %q, want no step", local, step)
		}
	}
}
