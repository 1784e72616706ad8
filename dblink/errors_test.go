package dblink_test

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
	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestOpen_ExplainsWhyItFailed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(s *dblink.Server, password *string)
		class  dblink.Class
		what   string
	}{
		{"wrong password", func(_ *dblink.Server, p *string) { *p = "wrong" }, dblink.Credentials, "refused the login"},
		{"unknown user", func(s *dblink.Server, _ *string) { s.User = "nobody" }, dblink.Credentials, "refused the login"},
		{"closed port", func(s *dblink.Server, _ *string) { s.Port = closedPort(t) }, dblink.Reconnect, "nothing listens"},
		{"unknown host", func(s *dblink.Server, _ *string) { s.Host = "nowhere.invalid" }, dblink.Reconnect, "does not resolve"},
		{"no TLS", func(s *dblink.Server, _ *string) { s.SSLMode = "disable" }, dblink.Never, "agree on TLS"},
		{"no root certificate", func(s *dblink.Server, _ *string) {
			s.SSLMode, s.SSLRootCert = "verify-ca", "/nowhere/ca.pem"
		}, dblink.Never, "could not be verified"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := unlinked(t, "dw")
			password := redshiftsim.Password
			test.change(&b.server, &password)
			b.inTx(t, func(tx pgx.Tx) {
				if err := dblink.Create(t.Context(), tx, b.server, password); err != nil {
					t.Fatal(err)
				}
				_, err := dblink.Open(t.Context(), tx, "dw", dblink.Settings{})
				if got := dblink.Classify(err); got != test.class {
					t.Errorf("got class %v of %v, want %v", got, err, test.class)
				}
				what, hint := dblink.Explain(err)
				mustContain(t, what, test.what)
				if hint == "" || strings.Contains(what+hint+fmt.Sprintf("%+v", err), password) {
					t.Errorf("got %q, %q of %v", what, hint, err)
				}
				mustExec(t, tx, "SELECT 1") // the transaction goes on
			})
		})
	}
}

func TestOpen_VerifiesTheCertificate(t *testing.T) {
	t.Parallel()
	b := unlinked(t, "dw")
	b.server.SSLMode, b.server.SSLRootCert = "verify-ca", b.warehouse.CACert()
	b.inTx(t, func(tx pgx.Tx) {
		if err := dblink.Create(t.Context(), tx, b.server, redshiftsim.Password); err != nil {
			t.Fatal(err)
		}
	})
	b.inSession(t, func(pgx.Tx, *dblink.Session) {})
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
		want dblink.Class
	}{
		{nil, dblink.Never},
		{errors.New("anything"), dblink.Never},
		{fmt.Errorf("refresh: %w", context.Canceled), dblink.Canceled},
		{context.DeadlineExceeded, dblink.Canceled},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, dblink.Reconnect},
		{fmt.Errorf("tls error: %w", io.EOF), dblink.Reconnect},
		{
			&pgconn.PgError{Code: "XX000", Message: "1023", Detail: "Serializable isolation violation on table - 1"},
			dblink.RetryTransaction,
		},
		{&pgconn.PgError{Code: "XX000", Message: "could not open relation with OID 7"}, dblink.RetryTransaction},
		{&pgconn.PgError{Code: "XX000", Message: "1018", Detail: "Relation does not exist."}, dblink.RetryTransaction},
		{&pgconn.PgError{Code: "XX000", Message: "system requested abort", Detail: "code: 1020"}, dblink.Backoff},
		{
			&pgconn.PgError{Code: "XX000", Message: "abort query", Detail: "error: abort query\n code:      1020\n"},
			dblink.Backoff,
		},
		{&pgconn.PgError{Code: "XX000", Message: "Disk Full", Detail: "code: 1016"}, dblink.Never},
		{&pgconn.PgError{Code: "57014", Message: "Query (150) canceled on user's request"}, dblink.Canceled},
		{
			&pgconn.PgError{Code: "57014", Message: `Query (1) cancelled by WLM abort action of Query Monitoring Rule "r".`},
			dblink.Never,
		},
		{
			&pgconn.PgError{Code: "08001", Detail: `FATAL:  connection limit "500" exceeded for non-bootstrap users`},
			dblink.Backoff,
		},
		{&pgconn.PgError{Code: "08006", Message: "server closed the connection unexpectedly"}, dblink.Reconnect},
		{&pgconn.PgError{Code: "57P01"}, dblink.Reconnect},
		{&pgconn.PgError{Code: "40P01"}, dblink.RetryTransaction},
		{&pgconn.PgError{Code: "55P03"}, dblink.Backoff},
		{&pgconn.PgError{Code: "42P01", Message: "relation does not exist"}, dblink.Never},
		{&pgconn.PgError{Code: "22021"}, dblink.Never},
	}
	for _, test := range tests {
		if got := dblink.Classify(test.err); got != test.want {
			t.Errorf("%v: got %v, want %v", test.err, got, test.want)
		}
	}
}

func TestOpen_HonoursTheConnectTimeout(t *testing.T) {
	t.Parallel()
	b := unlinked(t, "dw")
	// A socket that listens and never answers is what a firewall or a paused cluster looks like.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	b.server.Port, b.server.ConnectTimeout = listener.Addr().(*net.TCPAddr).Port, 2*time.Second
	b.inTx(t, func(tx pgx.Tx) {
		if err := dblink.Create(t.Context(), tx, b.server, redshiftsim.Password); err != nil {
			t.Fatal(err)
		}
		_, err := dblink.Open(t.Context(), tx, "dw", dblink.Settings{})
		what, _ := dblink.Explain(err)
		mustContain(t, what, "does not answer")
		if got := dblink.Classify(err); got != dblink.Reconnect {
			t.Errorf("got %v, want %v", got, dblink.Reconnect)
		}
	})
}

func TestSession_ExplainsALostConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.inTx(t, func(tx pgx.Tx) {
		s := mustOpen(t, tx, "dw")
		b.warehouse.DropAll()
		inSavepoint(t, tx, func(pgx.Tx) {
			_, err := s.Row(t.Context(), "SELECT 1", 1)
			if got := dblink.Classify(err); got != dblink.Reconnect {
				t.Errorf("got %v (%v), want %v", got, err, dblink.Reconnect)
			}
			what, _ := dblink.Explain(err)
			mustContain(t, what, "connection to Redshift broke")
		})
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestDescribe_ExplainsAMissingRight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mustExec(t, b.warehouse.Engine, "REVOKE TEMPORARY ON DATABASE "+b.warehouse.Name+" FROM PUBLIC")
	b.inSession(t, func(tx pgx.Tx, s *dblink.Session) {
		inSavepoint(t, tx, func(pgx.Tx) {
			_, err := s.Describe(t.Context(), "SELECT 1 AS a")
			_, hint := dblink.Explain(err)
			mustContain(t, hint, "GRANT TEMP ON DATABASE")
		})
	})
}

func TestDrop_LeavesAServerThatOthersNeed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	mustExec(t, b.cache, "CREATE FOREIGN TABLE others (a int) SERVER dw")
	b.inTx(t, func(tx pgx.Tx) {
		inSavepoint(t, tx, func(tx pgx.Tx) {
			what, hint := dblink.Explain(dblink.Drop(t.Context(), tx, "dw"))
			mustContain(t, what, "still needs it")
			mustContain(t, hint, "foreign table")
		})
	})
	b.inSession(t, func(pgx.Tx, *dblink.Session) {}) // the mapping is still there
}
