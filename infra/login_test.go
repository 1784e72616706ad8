package infra_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/infra"
)

func TestCompleted_AddsWhatTheURLLacks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, url                string
		host, database           string
		port                     int
		wantHost, wantDB, extras string
		wantPort                 uint16
	}{
		{name: "empty", host: "h", database: "d", port: 1, wantHost: "h", wantDB: "d", wantPort: 1},
		{name: "options only", url: "postgres://?application_name=x", host: "h", database: "d", port: 1, wantHost: "h", wantDB: "d", wantPort: 1, extras: "x"},
		{name: "no port known", host: "h", database: "d", wantHost: "h", wantDB: "d", wantPort: 5432},
		{name: "host", url: "postgres://mine", host: "h", database: "d", port: 1, wantHost: "mine", wantDB: "d", wantPort: 1},
		{name: "all", url: "postgres://other@mine:2/app?application_name=x", host: "h", database: "d", port: 1, wantHost: "mine", wantDB: "app", wantPort: 2, extras: "x"},
		{name: "all as options", url: "postgres:///?host=mine&port=2&dbname=app&user=other", host: "h", database: "d", port: 1, wantHost: "mine", wantDB: "app", wantPort: 2},
		{name: "IPv6", host: "::1", database: "d", port: 1, wantHost: "::1", wantDB: "d", wantPort: 1},
		{name: "IPv6 in the URL", url: "postgres://[::2]/", host: "::1", database: "d", port: 1, wantHost: "::2", wantDB: "d", wantPort: 1},
		{name: "words", url: "application_name=x", host: "h", database: `d'\ d`, port: 1, wantHost: "h", wantDB: `d'\ d`, wantPort: 1, extras: "x"},
		{name: "all words", url: "host=mine port=2 dbname=app user=other", host: "h", database: "d", port: 1, wantHost: "mine", wantDB: "app", wantPort: 2},
	} {
		const user = `IAM:o'n\e@h`
		got := infra.DatabaseConfig{URL: tt.url}.Completed(tt.host, tt.port, tt.database, user)
		parsed, err := pgxpool.ParseConfig(got.URL)
		if err != nil {
			t.Errorf("%s: %s: %v", tt.name, got.URL, err)
			continue
		}
		conn := parsed.ConnConfig
		if conn.Host != tt.wantHost || conn.Port != tt.wantPort || conn.Database != tt.wantDB || conn.User != user ||
			conn.RuntimeParams["application_name"] != tt.extras {
			t.Errorf("%s: %s leads to %s:%d/%s as %s", tt.name, got.URL, conn.Host, conn.Port, conn.Database, conn.User)
		}
	}
}

func TestLoad_NeedsNoURLWithASecret(t *testing.T) {
	t.Setenv("REDCACHE_DATABASE_SECRET", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf")
	var config infra.DatabaseConfig
	if err := infra.Load("REDCACHE", &config); err != nil || config.Secret == "" {
		t.Errorf("got %v, %v", config, err)
	}
	t.Setenv("REDCACHE_DATABASE_IAM", "true")
	err := infra.Load("REDCACHE", &config)
	if err == nil || !strings.Contains(err.Error(), "both set. Choose one") {
		t.Errorf("got %v with two ways to log in", err)
	}
	t.Setenv("REDCACHE_DATABASE_SECRET", "")
	config = infra.DatabaseConfig{}
	if err := infra.Load("REDCACHE", &config); err == nil || !strings.Contains(err.Error(), "DATABASE_URL is not set") {
		t.Errorf("got %v without a URL", err)
	}
}
