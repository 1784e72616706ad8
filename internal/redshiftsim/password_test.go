package redshiftsim_test

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// Each password that was issued is good until its own end, for new sessions, under the name that AWS gives.
func TestServer_IssuesPasswords(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	const user = "IAM:" + redshiftsim.User
	login := func(password string) error {
		conn, err := pgx.Connect(t.Context(), warehouse.URL(warehouse.Name, user, password))
		if err == nil {
			_ = conn.Close(t.Context())
		}
		return err
	}
	soon := time.Now().Add(time.Hour)
	warehouse.Issue(user, "first", soon)
	warehouse.Issue(user, "second", soon)
	warehouse.Issue(user, "stale", time.Now().Add(-time.Second))
	for password, good := range map[string]bool{"first": true, "second": true, "stale": false, redshiftsim.Password: false} {
		if err := login(password); good != (err == nil) {
			t.Errorf("login with password %s: %v", password, err)
		}
	}
	warehouse.ExpirePassword(user)
	wantCode(t, login("second"), "28000")
	warehouse.Issue("IAM:ghost", "ghost's", soon)
	_, err := pgx.Connect(t.Context(), warehouse.URL(warehouse.Name, "IAM:ghost", "ghost's"))
	wantCode(t, err, "28P01") // AWS issues logins for users that do not exist
}

func TestServer_MovesToAnotherAddress(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn := connect(t, warehouse)
	host, port := warehouse.Host(), warehouse.Port()
	if err := warehouse.MoveTo(t.Context(), "127.0.0.2"); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Exec(t.Context(), "SELECT 1")
	wantDropped(t, err)
	wantNobody(t, host, port)
	config, err := pgx.ParseConfig(warehouse.URL(warehouse.Name, redshiftsim.User, redshiftsim.Password))
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "127.0.0.2" || int(config.Port) != port {
		t.Errorf("moved to %s:%d, want 127.0.0.2:%d", config.Host, config.Port, port)
	}
	config.TLSConfig.ServerName = "localhost" // the certificate names the cluster, not its address
	moved, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	_ = moved.Close(t.Context())
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || refused.Code != code {
		t.Errorf("got %v, want SQLSTATE %s", err, code)
	}
}
