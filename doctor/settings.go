package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// settingsProbes ask for settings of the server, the database and the role that hurt refreshes.
var settingsProbes = []probe{
	{"connections", Settings, examineConnections},
	{"timeouts", Settings, examineTimeouts},
	{"idle-transactions", Settings, examineIdle},
	{"prepared-transactions", Settings, examinePrepared},
	{"strange-locks", Settings, examineLocks},
	{"keepalives", Settings, examineKeepalives},
	{"time-zone", Settings, examineTimeZone},
	{"unusual-settings", Settings, examineUnusual},
}

// setting is one that the server has.
type setting struct {
	Name  string
	Value string // what is in force now; of times in milliseconds, or as pg_settings has them
	Reset string // what a session begins with, before its transactions set limits of their own
}

func readSettings(ctx context.Context, tx pgx.Tx, names ...string) (map[string]setting, error) {
	rows, err := tx.Query(ctx, `
		SELECT s.name, coalesce(s.setting, '') AS value, coalesce(s.reset_val, '') AS reset
		FROM pg_catalog.pg_settings s
		WHERE s.name = ANY ($1)`, names)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByName[setting])
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	found := make(map[string]setting, len(list))
	for _, s := range list {
		found[s.Name] = s
	}
	return found, nil
}

// millis reads what a session begins with; zero where there is no limit, or no such setting.
func (s setting) millis() time.Duration {
	n, _ := strconv.ParseInt(s.Reset, 10, 64) // what the server says is a number
	return time.Duration(n) * time.Millisecond
}

// shortest is the least that a limit should allow the beginning of a transaction.
const shortest = time.Second

// examineTimeouts looks for limits that end what should go on. Each transaction of ours sets its own, so those of the
// role count for the message only that begins it.
func examineTimeouts(ctx context.Context, x *exam) ([]Check, error) {
	found, err := readSettings(ctx, x.tx, "transaction_timeout", "statement_timeout")
	if err != nil {
		return nil, err
	}
	var role string
	if err := x.tx.QueryRow(ctx, `SELECT current_user`).Scan(&role); err != nil {
		return nil, fmt.Errorf("read role: %w", err)
	}
	return judgeTimeouts(found, role), nil
}

func judgeTimeouts(found map[string]setting, role string) []Check {
	var objections []Check
	for _, name := range []string{"transaction_timeout", "statement_timeout"} {
		if limit := found[name].millis(); limit > 0 && limit < shortest {
			objections = append(objections, warn(cacheDatabase, fmt.Sprintf("%s is %s for this role: transactions of "+
				"the programs set their own, but may not come as far as that", name, limit),
				fmt.Sprintf("ALTER ROLE %s SET %s = 0;", sql.Ident(role), name)))
		}
	}
	return orOK(objections, cacheDatabase, "no limit of the role or the database ends a refresh")
}

type idler struct {
	PID         int32  `db:"pid"`
	Application string // empty when it has none
	Role        string
	Idle        *time.Duration // nil when this role may not see it
}

// examineIdle looks for transactions that somebody has forgotten: a swap waits for readers' transactions to end, and
// no dead row that they could see is removed.
func examineIdle(ctx context.Context, x *exam) ([]Check, error) {
	rows, err := x.tx.Query(ctx, `
		SELECT a.pid, coalesce(a.application_name, '') AS application, coalesce(a.usename, '') AS role,
		       pg_catalog.clock_timestamp() - a.state_change AS idle
		FROM pg_catalog.pg_stat_activity a
		WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid()
		  AND (a.state IS NULL OR a.state LIKE 'idle in transaction%')
		ORDER BY a.state_change`)
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	sessions, err := pgx.CollectRows(rows, pgx.RowToStructByName[idler])
	if err != nil {
		return nil, fmt.Errorf("read sessions: %w", err)
	}
	hidden := 0
	var objections []Check
	for _, s := range sessions {
		switch {
		case s.Idle == nil:
			hidden++
		case *s.Idle > x.cfg.Idle:
			objections = append(objections, warn(fmt.Sprintf("session %d", s.PID), fmt.Sprintf(
				"its transaction (role %s, application %q) has done nothing for %s: swaps wait for it, and dead rows "+
					"stay",
				s.Role, s.Application, brief(*s.Idle)), fmt.Sprintf("End it where it began, or SELECT "+
				"pg_terminate_backend(%d);", s.PID)))
		}
	}
	found, err := readSettings(ctx, x.tx, "idle_in_transaction_session_timeout")
	if err != nil {
		return nil, err
	}
	if found["idle_in_transaction_session_timeout"].millis() == 0 {
		objections = append(objections, warn(cacheDatabase,
			"idle_in_transaction_session_timeout is 0: a reader that forgets its transaction keeps swaps waiting, "+
				"and dead rows, for good",
			"Set it to some minutes for the server, the database, or the roles that read."))
	}
	note := ""
	if hidden > 0 {
		others := count(hidden, "session", "sessions")
		note = fmt.Sprintf("; what %s of other roles do cannot be seen without pg_read_all_stats", others)
	}
	return orOK(objections, cacheDatabase, "no transaction is forgotten, and the server would end one%s", note), nil
}

// longestSilence is how long a server should take at most until it asks whether a silent client is still there.
const longestSilence = 10 * time.Minute

// examineKeepalives asks how the server notices that a worker's machine, or the network to it, is gone: until then its
// refresh goes on, and holds the view's lock.
func examineKeepalives(ctx context.Context, x *exam) ([]Check, error) {
	found, err := readSettings(ctx, x.tx, "tcp_keepalives_idle", "client_connection_check_interval")
	if err != nil {
		return nil, err
	}
	var network bool
	if err := x.tx.QueryRow(ctx, `SELECT pg_catalog.inet_client_addr() IS NOT NULL`).Scan(&network); err != nil {
		return nil, fmt.Errorf("read client address: %w", err)
	}
	seconds, err := strconv.Atoi(found["tcp_keepalives_idle"].Value)
	if err != nil {
		return nil, fmt.Errorf("read tcp_keepalives_idle: %w", err)
	}
	silence := time.Duration(seconds) * time.Second
	if network && (silence == 0 || silence > longestSilence) {
		return []Check{warn(cacheDatabase, fmt.Sprintf("tcp_keepalives_idle is %s: that long the server does not "+
			"notice that "+
			"a worker's machine or network is gone, and a statement of its refresh goes on", brief(silence)),
			"Set tcp_keepalives_idle = 60, tcp_keepalives_interval = 10 and tcp_keepalives_count = 6 on the server "+
				"(on RDS: in the "+
				"parameter group).")}, nil
	}
	if _, known := found["client_connection_check_interval"]; !known {
		return []Check{ok(cacheDatabase, "a client that is gone is noticed by keepalives; PostgreSQL 14 also notices "+
			"while a statement runs")}, nil
	}
	return []Check{ok(cacheDatabase, "a client that is gone is noticed")}, nil
}

// utc are the names of the one time zone in which a timestamp without a zone means the same here and on Redshift.
var utc = []string{"UTC", "ETC/UTC", "UCT", "ETC/UCT", "GMT", "ETC/GMT", "UNIVERSAL", "ZULU"}

// examineTimeZone looks for applications that would compare now() with Redshift's timestamps, hours off.
func examineTimeZone(ctx context.Context, x *exam) ([]Check, error) {
	found, err := readSettings(ctx, x.tx, "TimeZone")
	if err != nil {
		return nil, err
	}
	zone := found["TimeZone"].Reset
	if slices.Contains(utc, strings.ToUpper(zone)) {
		return []Check{ok(cacheDatabase, "sessions begin in %s", zone)}, nil
	}
	var names []string
	for _, v := range x.views {
		if slices.ContainsFunc(v.View.Columns, hasNoZone) {
			names = append(names, v.View.Name.String())
		}
	}
	if names == nil {
		return []Check{ok(cacheDatabase, "sessions begin in %s, and no view has timestamps without a time "+
			"zone", zone)}, nil
	}
	return []Check{warn(cacheDatabase, fmt.Sprintf("sessions begin in %s, and %s timestamps without a time zone, "+
		"which on "+
		"Redshift are UTC as a rule (%s): compared with now(), they are hours off", zone,
		count(len(names), "view has", "views have"), some(names)),
		"Compare with now() AT TIME ZONE 'UTC', or set TimeZone = 'UTC' for the database or the roles that read.")}, nil
}

func hasNoZone(c catalog.Column) bool { return c.Mapped().Stream.Encoding == redshift.AsTimestamp }
