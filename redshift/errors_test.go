package redshift_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/internal/linktest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/redshift"
)

func TestOpen_ExplainsWhyItFailed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(s *redshift.Server, password *string)
		class  redshift.Class
		what   string
	}{
		{"wrong password", func(_ *redshift.Server, p *string) { *p = "wrong" }, redshift.Credentials, "refused the login"},
		{"unknown user", func(s *redshift.Server, _ *string) { s.User = "nobody" }, redshift.Credentials, "refused the login"},
		{"closed port", func(s *redshift.Server, _ *string) { s.Port = closedPort(t) }, redshift.Reconnect, "nothing listens"},
		{"unknown host", func(s *redshift.Server, _ *string) { s.Host = "nowhere.invalid" }, redshift.Reconnect, "does not resolve"},
		{"no TLS", func(s *redshift.Server, _ *string) { s.SSLMode = "disable" }, redshift.Never, "agree on TLS"},
		{"no root certificate", func(s *redshift.Server, _ *string) {
			s.SSLMode, s.SSLRootCert = "verify-ca", "/nowhere/ca.pem"
		}, redshift.Never, "could not be verified"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := linktest.Unlinked(t, "dw")
			password := redshiftsim.Password
			test.change(&b.Server, &password)
			b.InTx(t, func(tx pgx.Tx) {
				if err := dblink.Create(t.Context(), tx, b.Server, password); err != nil {
					t.Fatal(err)
				}
				_, err := dblink.Open(t.Context(), tx, "dw", redshift.Settings{})
				if got := redshift.Classify(err); got != test.class {
					t.Errorf("got class %v of %v, want %v", got, err, test.class)
				}
				what, hint := redshift.Explain(err)
				linktest.Contains(t, what, test.what)
				if hint == "" || strings.Contains(what+hint+fmt.Sprintf("%+v", err), password) {
					t.Errorf("got %q, %q of %v", what, hint, err)
				}
				linktest.Exec(t, tx, "SELECT 1") // the transaction goes on
			})
		})
	}
}

func TestOpen_VerifiesTheCertificate(t *testing.T) {
	t.Parallel()
	b := linktest.Unlinked(t, "dw")
	b.Server.SSLMode, b.Server.SSLRootCert = "verify-ca", b.Warehouse.CACert()
	b.InTx(t, func(tx pgx.Tx) {
		if err := dblink.Create(t.Context(), tx, b.Server, redshiftsim.Password); err != nil {
			t.Fatal(err)
		}
	})
	b.InSession(t, func(pgx.Tx, *dblink.Session) {})
}

func closedPort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestClassify(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		want redshift.Class
	}{
		{nil, redshift.Never},
		{errors.New("anything"), redshift.Never},
		{fmt.Errorf("refresh: %w", context.Canceled), redshift.Canceled},
		{context.DeadlineExceeded, redshift.Canceled},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, redshift.Reconnect},
		{fmt.Errorf("tls error: %w", io.EOF), redshift.Reconnect},
		{
			&pgconn.PgError{Code: "XX000", Message: "1023", Detail: "Serializable isolation violation on table - 1"},
			redshift.RetryTransaction,
		},
		{&pgconn.PgError{Code: "XX000", Message: "could not open relation with OID 7"}, redshift.RetryTransaction},
		{&pgconn.PgError{Code: "XX000", Message: "1018", Detail: "Relation does not exist."}, redshift.RetryTransaction},
		{&pgconn.PgError{Code: "XX000", Message: "system requested abort", Detail: "code: 1020"}, redshift.Backoff},
		{
			&pgconn.PgError{Code: "XX000", Message: "abort query", Detail: "error: abort query\n code:      1020\n"},
			redshift.Backoff,
		},
		{&pgconn.PgError{Code: "XX000", Message: "Disk Full", Detail: "code: 1016"}, redshift.Never},
		{&pgconn.PgError{Code: "57014", Message: "Query (150) canceled on user's request"}, redshift.Canceled},
		{
			&pgconn.PgError{Code: "57014", Message: `Query (1) cancelled by WLM abort action of Query Monitoring Rule "r".`},
			redshift.Never,
		},
		{
			&pgconn.PgError{Code: "08001", Detail: `FATAL:  connection limit "500" exceeded for non-bootstrap users`},
			redshift.Backoff,
		},
		{&pgconn.PgError{Code: "08006", Message: "server closed the connection unexpectedly"}, redshift.Reconnect},
		{&pgconn.PgError{Code: "57P01"}, redshift.Reconnect},
		{&pgconn.PgError{Code: "40P01"}, redshift.RetryTransaction},
		{&pgconn.PgError{Code: "55P03"}, redshift.Backoff},
		{&pgconn.PgError{Code: "42P01", Message: "relation does not exist"}, redshift.Never},
		{&pgconn.PgError{Code: "22021"}, redshift.Never},
	}
	for _, test := range tests {
		if got := redshift.Classify(test.err); got != test.want {
			t.Errorf("%v: got %v, want %v", test.err, got, test.want)
		}
	}
}

func TestOpen_HonoursTheConnectTimeout(t *testing.T) {
	t.Parallel()
	b := linktest.Unlinked(t, "dw")
	// A socket that listens and never answers is what a firewall or a paused cluster looks like.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	b.Server.Port, b.Server.ConnectTimeout = listener.Addr().(*net.TCPAddr).Port, 2*time.Second
	b.InTx(t, func(tx pgx.Tx) {
		if err := dblink.Create(t.Context(), tx, b.Server, redshiftsim.Password); err != nil {
			t.Fatal(err)
		}
		_, err := dblink.Open(t.Context(), tx, "dw", redshift.Settings{})
		what, _ := redshift.Explain(err)
		linktest.Contains(t, what, "does not answer")
		if got := redshift.Classify(err); got != redshift.Reconnect {
			t.Errorf("got %v, want %v", got, redshift.Reconnect)
		}
	})
}

func TestSession_ExplainsALostConnection(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	b.InTx(t, func(tx pgx.Tx) {
		s := linktest.Open(t, tx, "dw")
		b.Warehouse.DropAll()
		linktest.InSavepoint(t, tx, func(pgx.Tx) {
			_, err := s.Row(t.Context(), "SELECT 1", 1)
			if got := redshift.Classify(err); got != redshift.Reconnect {
				t.Errorf("got %v (%v), want %v", got, err, redshift.Reconnect)
			}
			what, _ := redshift.Explain(err)
			linktest.Contains(t, what, "connection to Redshift broke")
		})
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestDescribe_ExplainsAMissingRight(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Warehouse.Engine, "REVOKE TEMPORARY ON DATABASE "+b.Warehouse.Name+" FROM PUBLIC")
	b.InSession(t, func(tx pgx.Tx, s *dblink.Session) {
		linktest.InSavepoint(t, tx, func(pgx.Tx) {
			_, err := redshift.Describe(t.Context(), s, "SELECT 1 AS a")
			_, hint := redshift.Explain(err)
			linktest.Contains(t, hint, "GRANT TEMP ON DATABASE")
		})
	})
}

func TestDrop_LeavesAServerThatOthersNeed(t *testing.T) {
	t.Parallel()
	b := linktest.New(t)
	linktest.Exec(t, b.Cache, "CREATE FOREIGN TABLE others (a int) SERVER dw")
	b.InTx(t, func(tx pgx.Tx) {
		linktest.InSavepoint(t, tx, func(tx pgx.Tx) {
			what, hint := redshift.Explain(dblink.Drop(t.Context(), tx, "dw"))
			linktest.Contains(t, what, "still needs it")
			linktest.Contains(t, hint, "foreign table")
		})
	})
	b.InSession(t, func(pgx.Tx, *dblink.Session) {}) // the mapping is still there
}
