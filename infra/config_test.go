package infra_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/redcache/redcache/infra"
)

// Tests that set environment variables cannot be parallel: there is one environment per process.

type workerConfig struct {
	Database  infra.DatabaseConfig
	Tick      time.Duration `default:"5s" min:"100ms" max:"1h" desc:"pause between two looks at what is due"`
	Workers   int           `default:"4" min:"1" desc:"refreshes at once"`
	LogFormat string        `default:"text" allowed:"text,json" desc:"how log lines look"`
	Token     string        `secret:"true" desc:"webhook token"`
	Ratio     float64       `default:"0.5"`
	Loud      bool
	Only      []string
	HTTPAddr  string
	Since     time.Time
	hidden    string
}

func (c *workerConfig) Validate() error {
	if c.Workers == 13 {
		return errors.New("REDCACHE_WORKERS=13: bad luck")
	}
	return nil
}

func TestLoad_ReadsAllKinds(t *testing.T) {
	for name, value := range map[string]string{
		"DATABASE_URL": "postgres://u:p@h/d", "REDCACHE_DATABASE_MAX_CONNS": "7", "REDCACHE_TICK": "1m30s",
		"REDCACHE_LOG_FORMAT": "json", "REDCACHE_TOKEN": "x", "REDCACHE_LOUD": "true", "REDCACHE_ONLY": "a,b",
		"REDCACHE_HTTP_ADDR": ":80", "REDCACHE_SINCE": "2026-01-02T03:04:05Z", "REDCACHE_TEST_PGBIN": "/ignored",
		"REDCACHE_LINK_DW_PASSWORD": "ignored",
	} {
		t.Setenv(name, value)
	}
	got := workerConfig{hidden: "kept"}
	if err := infra.Load("REDCACHE", &got, "REDCACHE_LINK_*_PASSWORD"); err != nil {
		t.Fatalf("Load: %v", err)
	}
	want := workerConfig{
		Database: infra.DatabaseConfig{URL: "postgres://u:p@h/d", MaxConns: 7},
		Tick:     90 * time.Second, Workers: 4, LogFormat: "json", Token: "x", Ratio: 0.5, Loud: true,
		Only: []string{"a", "b"}, HTTPAddr: ":80", Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), hidden: "kept",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(workerConfig{})); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

func TestLoad_ReportsAllProblems(t *testing.T) {
	for name, value := range map[string]string{
		"REDCACHE_DATABASE_MAX_CONNS": "many", "REDCACHE_TICK": "5", "REDCACHE_WORKERS": "0",
		"REDCACHE_LOG_FORMAT": "xml", "REDCACHE_LOUD": "loudly", "REDCACHE_RATIO": "half",
		"REDCACHE_SINCE": "yesterday", "REDCACHE_LOGFORMAT": "json", "REDCACHE_ZZZZZZZZZZZZ": "?",
	} {
		t.Setenv(name, value)
	}
	err := infra.Load("REDCACHE", new(workerConfig))
	broken, ok := errors.AsType[*infra.ConfigError](err)
	if !ok {
		t.Fatalf("got %v, want a ConfigError", err)
	}
	want := []string{
		"DATABASE_URL is not set; it must be: cache database, postgres://user:password@host:5432/database",
		`REDCACHE_DATABASE_MAX_CONNS="many": want a whole number`,
		`REDCACHE_TICK="5": want a duration such as 30s, 5m or 1h30m`,
		`REDCACHE_WORKERS="0": want at least 1`,
		`REDCACHE_LOG_FORMAT="xml": want text or json`,
		`REDCACHE_RATIO="half": want a number`,
		`REDCACHE_LOUD="loudly": want true or false`,
		`REDCACHE_SINCE="yesterday": parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": ` +
			`cannot parse "yesterday" as "2006"`,
		"REDCACHE_LOGFORMAT is not a variable of this program; did you mean REDCACHE_LOG_FORMAT?",
		"REDCACHE_ZZZZZZZZZZZZ is not a variable of this program",
	}
	if diff := cmp.Diff(want, broken.Problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	for _, problem := range want {
		if !strings.Contains(err.Error(), problem) {
			t.Errorf("error does not say %q", problem)
		}
	}
}

func TestLoad_LimitsAndValidates(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://h/d")
	for _, tt := range []struct{ name, value, want string }{
		{"REDCACHE_TICK", "99ms", `REDCACHE_TICK="99ms": want at least 100ms`},
		{"REDCACHE_TICK", strings.Repeat("9", 100_000) + "h", `(100001 bytes in all)": want a duration such as 30s, 5m or 1h30m`},
		{"REDCACHE_TICK", "61m", `REDCACHE_TICK="61m": want at most 1h`},
		{"REDCACHE_WORKERS", "13", "REDCACHE_WORKERS=13: bad luck"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			t.Setenv(tt.name, tt.value)
			err := infra.Load("REDCACHE", new(workerConfig))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestLoad_KeepsSecretsOutOfItsErrors(t *testing.T) {
	t.Setenv("X_PIN", "s3cret")
	var config struct {
		Pin int `secret:"true"`
	}
	err := infra.Load("X", &config)
	if err == nil || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "X_PIN") {
		t.Errorf("got %v, want an error that names the variable without its value", err)
	}
}

func TestVariables_DescribeAConfiguration(t *testing.T) {
	t.Parallel()
	got := infra.Variables("REDCACHE", new(workerConfig))[:9]
	want := []infra.Variable{
		{
			Name: "DATABASE_URL", Type: "text", Required: true,
			Description: "cache database, postgres://user:password@host:5432/database",
		},
		{
			Name: "REDCACHE_DATABASE_IAM", Type: "true or false", Default: "false",
			Description: "log in to the cache database on RDS with IAM tokens; its URL then has a user without a " +
				"password, and sslmode=verify-full or require",
		},
		{
			Name: "REDCACHE_DATABASE_SECRET", Type: "text",
			Description: "ARN of the secret with the login to the cache database; the URL then has no password, and " +
				"needs only what the secret does not say",
		},
		{
			Name: "REDCACHE_DATABASE_APPLICATION", Type: "text",
			Description: "application_name of the sessions, what others see as the holder of a lock",
		},
		{
			Name: "REDCACHE_DATABASE_MAX_CONNS", Type: "whole number",
			Description: "most connections at once, 10 when not given",
		},
		{
			Name: "REDCACHE_DATABASE_CONNECT_TIMEOUT", Type: "duration",
			Description: "limit of one attempt to connect, 10s when not given",
		},
		{
			Name: "REDCACHE_TICK", Type: "duration", Default: "5s",
			Description: "pause between two looks at what is due",
		},
		{Name: "REDCACHE_WORKERS", Type: "whole number", Default: "4", Description: "refreshes at once"},
		{
			Name: "REDCACHE_LOG_FORMAT", Type: "text", Default: "text", Allowed: "text,json",
			Description: "how log lines look",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func TestRedacted_LeavesOutSecretsOnly(t *testing.T) {
	t.Parallel()
	config := workerConfig{
		Database: infra.DatabaseConfig{URL: "postgres://u:s3cret@h/d"}, Tick: time.Minute, Token: "s3cret",
		Only: []string{"a", "b"}, LogFormat: "text", hidden: "s3cret",
	}
	got := infra.Redacted(&config)
	want := "Database.URL=postgres://u:xxxxx@h/d Database.IAM=false Database.Secret= Database.Application= Database.MaxConns=0 " +
		"Database.ConnectTimeout=0s Tick=1m0s Workers=0 LogFormat=text Token=[redacted] Ratio=0 Loud=false " +
		"Only=[a b] HTTPAddr= Since=0001-01-01 00:00:00 +0000 UTC"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := infra.Redacted(infra.DatabaseConfig{URL: "s3cret"}); strings.Contains(got, "s3cret") {
		t.Errorf("a URL that is none is shown: %s", got)
	}
}

func TestRedactURL_HidesThePasswordOnly(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"postgres://u:s3cret@h:5432/d?sslmode=require":      "postgres://u:xxxxx@h:5432/d?sslmode=require",
		"postgres://h/d?user=u&password=s3cret&sslmode=off": "postgres://h/d?user=u&password=xxxxx&sslmode=off",
		"postgres://u@h/d":                                   "postgres://u@h/d",
		"postgres://u:12/s3cret@h/d":                         "[redacted]",
		"postgres://u:s3cret%zz@h/d":                         "[redacted]",
		"postgres://u:12#s3cret@h/d":                         "[redacted]",
		"just words":                                         "just words",
		"postgres://u:12?s3cret@h/d":                         "[redacted]",
		`host=h password='s3 cret\'s3cret' user=u`:           "host=h password=xxxxx user=u",
		"host=h PASSWORD = s3cret user=u sslpassword=s3cret": "host=h PASSWORD=xxxxx user=u sslpassword=xxxxx",
	} {
		if got := infra.RedactURL(text); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
