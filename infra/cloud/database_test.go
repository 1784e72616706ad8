package cloud_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/pgtest"
)

// who asks a session whose it is, and whether it is encrypted.
func who(t *testing.T, pool *pgxpool.Pool) (user string, encrypted bool) {
	t.Helper()
	err := pool.QueryRow(t.Context(), `SELECT current_user, (SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid())`).
		Scan(&user, &encrypted)
	if err != nil {
		t.Fatalf("ask for the user: %v", err)
	}
	return user, encrypted
}

func TestOpenPool_LogsInWithTokensOfIAM(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a := awssim.Start(t)
	door := a.Database(t, db.Cluster, map[string]string{pgtest.Owner: db.OwnerPassword})
	pool, err := cloud.OpenPool(t.Context(), infra.DatabaseConfig{URL: door.URL(db.Name, pgtest.Owner), IAM: true}, a.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if user, _ := who(t, pool); user != pgtest.Owner {
		t.Errorf("got user %s", user)
	}
	pool.Reset() // the next session needs a token of its own
	if user, _ := who(t, pool); user != pgtest.Owner || len(door.Tokens()) != 2 {
		t.Errorf("got user %s with %d tokens", user, len(door.Tokens()))
	}
	if len(a.Calls()) != 0 {
		t.Errorf("AWS was asked: %+v", a.Calls())
	}
}

func TestOpenPool_SaysWhyATokenIsRefused(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a := awssim.Start(t)
	door := a.Database(t, db.Cluster, map[string]string{pgtest.Owner: db.OwnerPassword})
	good := infra.DatabaseConfig{URL: door.URL(db.Name, pgtest.Owner), IAM: true}
	for name, tt := range map[string]struct {
		config infra.DatabaseConfig
		option cloud.Option
		want   string
	}{
		"another identity": {
			good, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("AKIAOTHER", "s3cret", "")), "GRANT rds_iam TO",
		},
		"another region":    {good, config.WithRegion("us-east-1"), "rds-db:connect"},
		"another user":      {infra.DatabaseConfig{URL: door.URL(db.Name, "nobody"), IAM: true}, config.WithRegion("eu-central-1"), "GRANT rds_iam TO nobody"},
		"an alias":          {infra.DatabaseConfig{URL: strings.Replace(good.URL, "127.0.0.1", "localhost", 1) + "&sslmode=require", IAM: true}, config.WithRegion("eu-central-1"), "no alias"},
		"no region":         {good, config.WithRegion(""), "AWS_REGION"},
		"no such database":  {infra.DatabaseConfig{URL: door.URL("nowhere", pgtest.Owner), IAM: true}, config.WithRegion("eu-central-1"), "correct its name"},
		"beside a secret":   {infra.DatabaseConfig{URL: good.URL, IAM: true, Secret: secretARN}, config.WithRegion("eu-central-1"), "Choose one"},
		"several instances": {infra.DatabaseConfig{URL: strings.Replace(good.URL, "/"+db.Name, ",10.0.0.2:5432/"+db.Name, 1), IAM: true}, config.WithRegion("eu-central-1"), "endpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := cloud.OpenPool(t.Context(), tt.config, a.Client(tt.option))
			if err == nil || !strings.Contains(hint(err), tt.want) {
				t.Fatalf("got %v, hint %q, want %s", err, hint(err), tt.want)
			}
			for _, token := range door.Tokens() {
				if text := fmt.Sprintf("%+v %s", err, hint(err)); strings.Contains(text, token) || strings.Contains(text, "X-Amz-") {
					t.Errorf("a token is in the error: %s", text)
				}
			}
		})
	}
}

// A token is a password that goes over the wire as it is.
func TestOpenPool_SendsTokensOverTLSOnly(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	for mode, allowed := range map[string]bool{
		"disable": false, "allow": false, "prefer": false, "": false, "require": true, "verify-full": true, "verify-ca": true,
	} {
		u := url.URL{Scheme: "postgres", Host: listener.Addr().String(), Path: "/app", User: url.User("app")}
		if mode != "" {
			u.RawQuery = "sslmode=" + mode
		}
		c := infra.DatabaseConfig{URL: u.String(), IAM: true}
		_, err := cloud.OpenPool(t.Context(), c, a.Client())
		refused := strings.Contains(fmt.Sprint(err), "over TLS only")
		if refused == allowed || (c.Validate() == nil) != allowed {
			t.Errorf("sslmode %q: got %v, and %v", mode, err, c.Validate())
		}
		if refused && !strings.Contains(hint(err), "sslmode=verify-full") {
			t.Errorf("sslmode %q: got hint %q", mode, hint(err))
		}
	}
}

// secured is a server that speaks TLS, as RDS does.
func secured(t *testing.T) (cluster *pgtest.Cluster, database, caCert string) {
	t.Helper()
	cluster = pgtest.StartFor(t, pgtest.Config{})
	certified := httptest.NewUnstartedServer(nil) // for its certificate, which is good for 127.0.0.1
	certified.StartTLS()
	defer certified.Close()
	certificate := certified.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	caCert = filepath.Join(t.TempDir(), "ca.pem")
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]})
	owner, err := os.Stat(filepath.Join(cluster.Dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string][]byte{
		caCert: chain,
		filepath.Join(cluster.Dir, "data", "server.crt"): chain,
		filepath.Join(cluster.Dir, "data", "server.key"): pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if of, ok := owner.Sys().(*syscall.Stat_t); ok && path != caCert {
			if err := os.Chown(path, int(of.Uid), int(of.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(
		cluster.Admin(t.Context(), "postgres", "ALTER SYSTEM SET ssl = on"), cluster.Halt(false), cluster.Resume(t.Context()),
	); err != nil {
		t.Fatal(err)
	}
	if database, err = cluster.CreateDatabase(t.Context()); err != nil {
		t.Fatal(err)
	}
	return cluster, database, caCert
}

// secretText is a secret in the form of RDS.
func secretText(t *testing.T, keys map[string]any) string {
	t.Helper()
	text, err := json.Marshal(keys)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestOpenPool_FollowsASecretThatIsRotated(t *testing.T) {
	t.Parallel()
	cluster, database, caCert := secured(t)
	a := awssim.Start(t)
	const first, second = `fi%r's"t\`, "second"
	keep := func(user, password string) string {
		return a.Secret("app", secretText(t, map[string]any{
			"username": user, "password": password, "host": cluster.Host, "port": cluster.Port, "dbname": database,
		}))
	}
	password := func(user, password string) {
		t.Helper()
		set := "ALTER ROLE " + user + " PASSWORD '" + strings.ReplaceAll(password, "'", "''") + "'"
		if err := cluster.Admin(t.Context(), "postgres", set); err != nil {
			t.Fatal(err)
		}
	}
	password(pgtest.Owner, first)
	arn := keep(pgtest.Owner, first)
	pool, err := cloud.OpenPool(t.Context(), infra.DatabaseConfig{
		URL: "postgres://?sslmode=verify-full&sslrootcert=" + url.QueryEscape(caCert), Secret: arn,
	}, a.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if n := a.Count(cloud.ActionSecret); n != 1 {
		t.Errorf("the secret was read %d times to open one session", n)
	}
	if user, encrypted := who(t, pool); user != pgtest.Owner || !encrypted {
		t.Errorf("got user %s, encrypted %t", user, encrypted)
	}
	open, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer open.Release()
	password(pgtest.Owner, second)
	keep(pgtest.Owner, second)
	if user, _ := who(t, pool); user != pgtest.Owner { // in a new session, because the other one is taken
		t.Errorf("got user %s", user)
	}
	if _, err := open.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Errorf("the rotation broke an open session: %v", err)
	}
	if err := cluster.Admin(t.Context(), "postgres", "CREATE ROLE redcache_clone LOGIN"); err != nil {
		t.Fatal(err)
	}
	password("redcache_clone", first)
	keep("redcache_clone", first) // rotation by turns between two users
	pool.Reset()
	if user, _ := who(t, pool); user != "redcache_clone" {
		t.Errorf("got user %s after rotation to another one", user)
	}
	a.Break(cloud.ActionSecret, 5)
	pool.Reset()
	if user, _ := who(t, pool); user != "redcache_clone" {
		t.Errorf("got user %s while AWS fails", user)
	}
	a.Deny(cloud.ActionSecret)
	pool.Reset()
	if err := pool.Ping(t.Context()); failure(t, err).Kind != cloud.Denied {
		t.Errorf("got %v without permission", err)
	}
}

func TestOpenPool_SaysWhatIsWrongWithASecret(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	a := awssim.Start(t)
	const wrong = "wr0ng"
	port := strconv.Itoa(db.Port)
	bare := "postgres://" + db.Host + ":" + port + "/" + db.Name
	for _, tt := range []struct {
		name, text, url, said, hint string
	}{
		{"wrong", `{"username":"redcache_owner","password":"wr0ng"}`, bare, "password authentication failed", "being rotated"},
		{"missing", `{"user":"redcache_owner","password":"wr0ng"}`, bare, "no text for username", `"username"`},
		{"no host", `{"username":"redcache_owner","password":"wr0ng"}`, "", "has no host", "DATABASE_URL"},
		{
			"two passwords", `{"username":"redcache_owner","password":"wr0ng"}`, db.URL, "has a password beside REDCACHE_DATABASE_SECRET",
			"Leave the password out",
		},
		{
			"two passwords in words", `{"username":"redcache_owner","password":"wr0ng"}`, "host=h password=" + wrong,
			"has a password beside", "Leave the password out",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			config := infra.DatabaseConfig{URL: tt.url, Secret: a.Secret(strings.ReplaceAll(tt.name, " ", "-"), tt.text)}
			_, err := cloud.OpenPool(t.Context(), config, a.Client())
			if err == nil || !strings.Contains(err.Error(), tt.said) || !strings.Contains(hint(err), tt.hint) {
				t.Errorf("got %v, hint %q", err, hint(err))
			}
			if text := fmt.Sprintf("%+v %s %v", err, hint(err), config); strings.Contains(text, wrong) || strings.Contains(text, db.OwnerPassword) {
				t.Errorf("a password is in %s", text)
			}
		})
	}
}

// The login of a pool that has a password in its URL needs no AWS, and nothing of it is asked.
func TestOpenPool_LeavesAWSAlone(t *testing.T) {
	t.Parallel()
	a := awssim.Start(t)
	db := pgtest.New(t)
	pool, err := cloud.OpenPool(t.Context(), infra.DatabaseConfig{URL: db.URL}, a.Client(config.WithRegion("")))
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	_, err = infra.OpenPool(t.Context(), infra.DatabaseConfig{URL: "postgres://u@h/d?sslmode=require", IAM: true})
	if err == nil || !strings.Contains(err.Error(), "password in DATABASE_URL only") {
		t.Errorf("got %v from a program that cannot ask AWS", err)
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok || len(a.Calls()) != 0 {
		t.Errorf("something was asked: %v, %+v", refused, a.Calls())
	}
}
