package main

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
)

func TestRun_ChecksHowItLogsIn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	const arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf"
	for name, tt := range map[string]struct {
		env  map[string]string
		want string
	}{
		"no truth":       {map[string]string{"DATABASE_URL": db.URL, "REDCACHE_DATABASE_IAM": "maybe"}, `REDCACHE_DATABASE_IAM="maybe": want true or false`},
		"two ways":       {map[string]string{"REDCACHE_DATABASE_IAM": "true", "REDCACHE_DATABASE_SECRET": arn, "DATABASE_URL": "postgres://u@h/d"}, "are both set"},
		"two passwords":  {map[string]string{"REDCACHE_DATABASE_IAM": "true", "DATABASE_URL": db.URL}, "has a password beside REDCACHE_DATABASE_IAM"},
		"not encrypted":  {map[string]string{"REDCACHE_DATABASE_IAM": "1", "DATABASE_URL": "postgres://u@h/d?sslmode=prefer"}, "over TLS only"},
		"nothing at all": {nil, "DATABASE_URL is not set"},
	} {
		o := &operator{env: tt.env}
		status, stdout, stderr := o.run(t.Context(), "status")
		if status != exitUsage || !strings.Contains(stderr, tt.want) || stdout != "" {
			t.Errorf("%s: got exit status %d, %s; want %s", name, status, stderr, tt.want)
		}
		if strings.Contains(stderr, db.OwnerPassword) {
			t.Errorf("%s: the password is in the output", name)
		}
	}
}
