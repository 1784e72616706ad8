package redshiftsim_test

import (
	"errors"
	"maps"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

func TestServer_AnnouncesOnlyWhatRedshiftDoes(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	for _, test := range []struct {
		name, query string
		want        map[string]string // "" is a parameter that must not be there
	}{
		{"plain", "", map[string]string{
			"server_version": "8.0.2", "server_encoding": "UNICODE", "client_encoding": "UNICODE",
			"application_name": "unset", "is_superuser": "off", "session_authorization": "cache_ro",
			"datestyle": "ISO, MDY", "DateStyle": "", "integer_datetimes": "on", "TimeZone": "UTC",
			"standard_conforming_strings": "", "IntervalStyle": "", "in_hot_standby": "",
			"default_transaction_read_only": "", "max_numeric_precision": "38", "max_varchar_size": "65535",
		}},
		{"asked", "&client_encoding=UTF8&application_name=redcache&timezone=Asia/Tokyo&datestyle=ISO", map[string]string{
			"client_encoding": "UTF8", "application_name": "redcache", "TimeZone": "Asia/Tokyo",
		}},
		{"options", "&options=-c%20client_encoding%3DUTF8%20-c%20query_group%3Dq", map[string]string{
			"client_encoding": "UTF8",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			conn, err := pgx.Connect(t.Context(), warehouse.UserURL()+test.query)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			got := maps.Clone(test.want)
			for name := range got {
				got[name] = conn.PgConn().ParameterStatus(name)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What libpq saw of the announcement shows in what it sends, and in what SHOW says.
func TestServer_ShowsThroughDblink(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	cache := pgtest.New(t).Pool(t)
	for name, want := range map[string]string{
		"server_version": "8.0.2", "client_encoding": "UTF8", "datestyle": "ISO, MDY", "timezone": "UTC",
		"extra_float_digits": "0", "statement_timeout": "0", "query_group": "unset",
		"enable_result_cache_for_session": "on", "search_path": `"$user", public`,
	} {
		var got string
		err := cache.QueryRow(t.Context(), "SELECT v FROM dblink($1, $2) AS t(v text)", conninfo(warehouse), "SHOW "+name).
			Scan(&got)
		if err != nil || got != want {
			t.Errorf("SHOW %s: got %q, %v, want %q", name, got, err, want)
		}
	}
	for _, statement := range warehouse.Statements() {
		if strings.Contains(strings.ToLower(statement.SQL), "client_encoding to") {
			t.Errorf("libpq was upset by the announced encoding: %s", statement.SQL)
		}
	}
}

func TestServer_RefusesLogins(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	cache := pgtest.New(t).Pool(t)
	for _, test := range []struct {
		name, old, query, libpq string // query and libpq are appended, in place of old where it is not empty
		code, message           string
	}{
		{
			"wrong password", "password", ":wrong@", " password=wrong", "28000",
			`password authentication failed for user "cache_ro"`,
		},
		{"unknown user", "user", "nobody", " user=nobody", "28000", `password authentication failed for user "nobody"`},
		{"unknown database", "database", "none", " dbname=none", "3D000", `database "none" does not exist`},
		{
			"no TLS", "", "&sslmode=disable", " sslmode=disable", "28000",
			`no pg_hba.conf entry for host "127.0.0.1", user "cache_ro", database "` + warehouse.Name + `", SSL off`,
		},
		{
			"extra_float_digits", "", "&extra_float_digits=3", " options='-c extra_float_digits=3'", "22023",
			`3 is outside the valid range for parameter "extra_float_digits" (-15 .. 2)`,
		},
		{
			"IntervalStyle", "", "&IntervalStyle=postgres", " options='-c IntervalStyle=postgres'", "42704",
			`Unrecognized configuration parameter "IntervalStyle"`,
		},
		{
			"lc_monetary", "", "&lc_monetary=C", " options='-c lc_monetary=C'", "42501",
			`permission denied to set parameter "lc_monetary" to "C"`,
		},
		{
			"statement_timeout", "", "&statement_timeout=30s", " options='-c statement_timeout=30s'", "22023",
			`parameter "statement_timeout" requires an integer value`,
		},
		{
			"lock_timeout", "", "&lock_timeout=1", " options='-c lock_timeout=1'", "42704",
			`unrecognized configuration parameter "lock_timeout"`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := pgx.Connect(t.Context(), loginURL(warehouse, test.old, test.query))
			wantError(t, err, test.code, test.message)
			var found bool
			err = cache.QueryRow(t.Context(), "SELECT true FROM dblink($1, 'select 1') AS t(n int)",
				conninfo(warehouse)+test.libpq).Scan(&found)
			if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || !strings.Contains(e.Detail, "FATAL:  "+test.message) {
				t.Errorf("dblink: got %+v, want %s", err, test.message)
			}
		})
	}
}

func loginURL(w *redshiftsim.Warehouse, changed, value string) string {
	switch changed {
	case "password":
		return w.URL(w.Name, redshiftsim.User, "wrong")
	case "user":
		return w.URL(w.Name, value, redshiftsim.Password)
	case "database":
		return w.URL(value, redshiftsim.User, redshiftsim.Password)
	}
	return strings.Replace(w.UserURL(), "sslmode=verify-full", "sslmode="+sslMode(value), 1) + value
}

func sslMode(query string) string {
	if strings.Contains(query, "sslmode=disable") {
		return "disable"
	}
	return "verify-full"
}

func TestServer_LimitsSessions(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	server := redshiftsim.StartFor(t, redshiftsim.Config{
		EngineURL: warehouse.EngineURL, Users: map[string]string{"cache_ro": "x"}, MaxSessions: 1,
	})
	conn, err := pgx.Connect(t.Context(), server.URL("dev", "cache_ro", "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	_, err = pgx.Connect(t.Context(), server.URL("dev", "cache_ro", "x"))
	wantError(t, err, "53300", `connection limit "1" exceeded for non-bootstrap users`)
	if n := server.Sessions(); n != 1 {
		t.Errorf("got %d sessions, want 1", n)
	}
	server.LimitSessions(2)
	second, err := pgx.Connect(t.Context(), server.URL("dev", "cache_ro", "x"))
	if err != nil {
		t.Fatal(err)
	}
	_ = second.Close(t.Context())
}

func TestServer_LetsRestrictedLoginsReadWhatWasGranted(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, `CREATE TABLE open_table (id int); CREATE TABLE closed_table (id int)`)
	server := redshiftsim.StartFor(t, redshiftsim.Config{
		EngineURL: warehouse.EngineURL, Restricted: map[string]string{"clerk": "x"},
	})
	exec(t, warehouse, `GRANT SELECT ON open_table TO clerk`)
	conn, err := pgx.Connect(t.Context(), server.URL("dev", "clerk", "x"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `SELECT id FROM open_table`); err != nil {
		t.Error(err)
	}
	_, err = conn.Exec(t.Context(), `SELECT id FROM closed_table`)
	wantError(t, err, "42501", "permission denied for relation closed_table")
}

func TestServer_LetsPlainClientsInWhenAllowed(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	server := redshiftsim.StartFor(t, redshiftsim.Config{
		EngineURL: warehouse.EngineURL, Users: map[string]string{"cache_ro": "x"}, AllowPlain: true,
	})
	url := strings.Replace(server.URL("dev", "cache_ro", "x"), "verify-full", "disable", 1)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close(t.Context())
}

// libpq may ask for GSS encryption first, and takes no for an answer.
func TestServer_DeclinesGSS(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	conn, err := net.Dial("tcp", net.JoinHostPort(warehouse.Host(), strconv.Itoa(warehouse.Port())))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	frontend := pgproto3.NewFrontend(conn, conn)
	for _, step := range []struct {
		request pgproto3.FrontendMessage
		want    byte
	}{{&pgproto3.GSSEncRequest{}, 'N'}, {&pgproto3.SSLRequest{}, 'S'}} {
		frontend.Send(step.request)
		if err := frontend.Flush(); err != nil {
			t.Fatal(err)
		}
		var got [1]byte
		if _, err := conn.Read(got[:]); err != nil || got[0] != step.want {
			t.Errorf("%T: got %q, %v, want %q", step.request, got[0], err, step.want)
		}
	}
}
