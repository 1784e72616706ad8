package redshift_test

import (
	"strings"
	"testing"

	"github.com/redcache/redcache/redshift"
)

func TestServer_Validate(t *testing.T) {
	t.Parallel()
	somewhere := redshift.Server{Name: "dw", Host: "dw.example.com", Database: "dev", User: "cache_ro"}
	if err := somewhere.Validate(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*redshift.Server){
		"no name": func(s *redshift.Server) { s.Name = "" }, "long name": func(s *redshift.Server) { s.Name = strings.Repeat("ü", 32) },
		"no host": func(s *redshift.Server) { s.Host = "" }, "two hosts": func(s *redshift.Server) { s.Host = "a,b" },
		"address": func(s *redshift.Server) { s.HostAddr = "a" }, "port": func(s *redshift.Server) { s.Port = 70000 },
		"sslmode": func(s *redshift.Server) { s.SSLMode = "yes" }, "zero byte": func(s *redshift.Server) { s.User = "a\x00" },
		"no user": func(s *redshift.Server) { s.User = "" }, "no database": func(s *redshift.Server) { s.Database = "" },
		"timeout": func(s *redshift.Server) { s.ConnectTimeout = -1 },
	} {
		s := somewhere
		spoil(&s)
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
