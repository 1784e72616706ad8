package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/pgtest"
)

// A worker finds AWS, and its cache database by AWS, from nothing but its environment.
func TestWorker_LogsInToTheCacheByAWS(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t) // without schema redcache, so that a worker that got in ends at once
	a := awssim.Start(t)
	door := a.Database(t, db.Cluster, map[string]string{pgtest.Owner: db.OwnerPassword})
	secret := func(name, password string) string {
		text, err := json.Marshal(map[string]any{
			"username": pgtest.Owner, "password": password, "host": db.Host, "port": db.Port, "dbname": db.Name,
		})
		if err != nil {
			t.Fatal(err)
		}
		return "REDCACHE_DATABASE_SECRET=" + a.Secret(name, string(text))
	}
	const wrong = "wr0ng"
	for _, tt := range []struct {
		name string
		env  []string
		code int
		want string
	}{
		{"token", []string{"DATABASE_URL=" + door.URL(db.Name, pgtest.Owner), "REDCACHE_DATABASE_IAM=true"}, exitFailed, "cachectl init"},
		{"token in the clear", []string{"DATABASE_URL=" + db.URL, "REDCACHE_DATABASE_IAM=true"}, exitUsage, "has a password beside REDCACHE_DATABASE_IAM"},
		{"secret", []string{secret("good", db.OwnerPassword)}, exitFailed, "cachectl init"},
		{"wrong secret", []string{secret("wrong", wrong)}, exitFailed, "The server does not take the login in arn:aws:secretsmanager:"},
		{"no secret", []string{secret("gone", wrong) + "x"}, exitFailed, cloud.ActionSecret + " on arn:aws:secretsmanager:"},
		{"no region", []string{"REDCACHE_DATABASE_SECRET=name", "AWS_REGION="}, exitFailed, "set AWS_REGION"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, append(a.Env(), tt.env...)...)
			if code := w.wait(t); code != tt.code || !strings.Contains(w.log.String(), tt.want) {
				t.Errorf("got exit code %d, want %d; want %q in %s", code, tt.code, tt.want, w.log)
			}
			for _, password := range []string{wrong, db.OwnerPassword, "X-Amz-Signature"} {
				if strings.Contains(w.log.String(), password) {
					t.Error("a password is in the log")
				}
			}
		})
	}
}

// What somebody has to put right is not waited for.
func TestWorker_EndsWhereTheCatalogIsNotItsOwn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if err := db.Cluster.Admin(t.Context(), db.Name, "CREATE SCHEMA redcache"); err != nil {
		t.Fatal(err)
	}
	w := start(t, "DATABASE_URL="+db.URL)
	if code := w.wait(t); code != exitFailed || !strings.Contains(w.log.String(), "schema redcache belongs to role") {
		t.Errorf("got exit code %d, want %d, in %s", code, exitFailed, w.log)
	}
}
