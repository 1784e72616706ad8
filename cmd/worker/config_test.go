package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/cachetest"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestWorker_SaysWhatIsWrongAndEnds(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t) // without schema redcache
	good := "DATABASE_URL=" + db.URL
	const secret = "s3cret"
	for _, tt := range []struct {
		name string
		env  []string
		code int
		want []string
	}{
		{"nothing set", nil, 2, []string{"DATABASE_URL is not set"}},
		{"no URL", []string{"DATABASE_URL=" + secret}, 2, []string{"DATABASE_URL is not a valid connection URL"}},
		{
			"several at once",
			[]string{good, "REDCACHE_CONCURRENCY=none", "REDCACHE_LOG_LEVEL=loud"},
			2,
			[]string{`REDCACHE_CONCURRENCY="none": want a whole number`, `REDCACHE_LOG_LEVEL="loud"`},
		},
		{"a typo", []string{good, "REDCACHE_CONCURENCY=4"}, 2, []string{"did you mean REDCACHE_CONCURRENCY?"}},
		{"too few connections", []string{good, "REDCACHE_MAX_CONNS=5"}, 2, []string{"needs at least 10 connections"}},
		{"no catalog", []string{good, "REDCACHE_DW_PASSWORD=" + secret}, 1, []string{"not ready", "cachectl init"}},
		{
			"wrong password",
			[]string{"DATABASE_URL=" + db.Cluster.URL(db.Name, pgtest.Owner, secret)},
			1,
			[]string{"password authentication failed", "Check user and password"},
		},
		{"no port", []string{good, "REDCACHE_HEALTH_ADDR=nope"}, 2, []string{`REDCACHE_HEALTH_ADDR="nope": want a port, as in :8080`}},
		{"no such port", []string{good, "REDCACHE_HEALTH_ADDR=:99999"}, 2, []string{`REDCACHE_HEALTH_ADDR=":99999"`}},
		{"a port as a number", []string{good, "REDCACHE_HEALTH_ADDR=8080"}, 2, []string{`REDCACHE_HEALTH_ADDR="8080"`}},
		{"no such database", []string{"DATABASE_URL=" + db.OwnerURL("nowhere")}, 1, []string{"does not exist"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := start(t, tt.env...)
			if code := w.wait(t); code != tt.code {
				t.Errorf("got exit code %d, want %d", code, tt.code)
			}
			log := w.log.String()
			for _, want := range tt.want {
				if !strings.Contains(log, want) {
					t.Errorf("%q is not in %q", want, log)
				}
			}
			if tt.code == exitUsage && strings.Contains(log, "worker starts") {
				t.Errorf("it starts before it looks at its configuration: %s", log)
			}
			if strings.Contains(log, secret) || strings.Contains(log, db.OwnerPassword) {
				t.Error("a password is in the output")
			}
		})
	}
}

// Where programs read the log, each line is for them, also the last one of a worker that cannot work.
func TestWorker_LogsNothingButJSONWhenToldTo(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t) // without schema redcache
	good := "DATABASE_URL=" + db.URL
	for name, tt := range map[string]struct {
		env   []string
		wants []string
	}{
		"nothing set":  {nil, []string{"DATABASE_URL is not set"}},
		"several":      {[]string{good, "REDCACHE_CONCURRENCY=none", "REDCACHE_POLL=soon"}, []string{"REDCACHE_CONCURRENCY", "REDCACHE_POLL"}},
		"no such port": {[]string{good, "REDCACHE_HEALTH_ADDR=nope"}, []string{"REDCACHE_HEALTH_ADDR", "8080"}},
		"wrong password": {
			[]string{"DATABASE_URL=" + db.Cluster.URL(db.Name, pgtest.Owner, "wrong")},
			[]string{"password authentication failed", `"hint":"Check user and password`, `"REDCACHE_CONNECT_TIMEOUT":"10s"`, `"REDCACHE_PER_LINK":"half`},
		},
		"no catalog": {[]string{good}, []string{"not ready", "cachectl init"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, append(tt.env, "REDCACHE_LOG_FORMAT=json")...)
			w.wait(t)
			log := w.log.String()
			for line := range strings.Lines(log) {
				if !json.Valid([]byte(line)) {
					t.Errorf("no JSON: %s", line)
				}
			}
			for _, want := range tt.wants {
				if !strings.Contains(log, want) {
					t.Errorf("%s is missing from %s", want, log)
				}
			}
		})
	}
}

func TestRun_TellsItsVariablesAndVersion(t *testing.T) {
	t.Parallel()
	usage, err := runHere(t, "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range infra.Variables(prefix, &config{}) {
		flat := strings.Join(strings.Fields(usage), " ")
		if v.Description == "" || !strings.Contains(usage, v.Name) || !strings.Contains(flat, v.Description) {
			t.Errorf("%s is not explained", v.Name)
		}
	}
	for line := range strings.Lines(usage) {
		if len(line) > usageColumns+1 {
			t.Errorf("a line is %d columns wide: %s", len(line)-1, line)
		}
	}
	version, err := runHere(t, "--version")
	if err != nil || !strings.Contains(version, infra.Version()) {
		t.Errorf("got version %q, %v", version, err)
	}
	for _, args := range [][]string{{"--verbose"}, {"--help", "me"}} {
		if _, err := runHere(t, args...); exitCode(err) != exitUsage {
			t.Errorf("%v: got %v, want wrong usage", args, err)
		}
	}
}

func TestConfig_FindsThePoolItNeeds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name       string
		query      string
		max, needs int32
		concurrent int
	}{
		{"by default", "", 0, 10, 4},
		{"for more at once", "", 0, 42, 20},
		{"as the URL says", "pool_max_conns=50", 0, 50, 4},
		{"as the variable says", "pool_max_conns=50", 60, 60, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := url.URL{Scheme: "postgres", Host: "db.invalid", RawQuery: tt.query}
			c := config{Concurrency: tt.concurrent}
			c.URL, c.MaxConns = u.String(), tt.max
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
			if c.MaxConns != tt.needs {
				t.Errorf("got %d connections, want %d", c.MaxConns, tt.needs)
			}
		})
	}
}

func TestConfig_RefusesWhatIsNoDuration(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://u:p@h/d")
	cachetest.RefuseDurations(t, prefix, func() any { return new(config) }, foreign...)
}
