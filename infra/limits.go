package infra

import (
	"fmt"
	"strings"
	"time"
)

// Limits bound what one transaction may wait for. Zero takes the default, a negative value means no limit.
type Limits struct {
	Lock      time.Duration // wait for any one lock; default [DefaultLock]
	Statement time.Duration // run time of any one statement; default [DefaultStatement]
	Idle      time.Duration // pause between two statements; default [DefaultIdle]
}

// The defaults of [Limits]. A refresh states its own Statement limit; nothing else runs for long.
const (
	DefaultLock      = 10 * time.Second
	DefaultStatement = 15 * time.Minute
	DefaultIdle      = time.Minute
)

// clientCheck is how often a server that is busy with a statement looks whether its client is still there.
const clientCheck = 5 * time.Second

// begin returns the statements that open a transaction under the limits. They travel in one message, so that the
// rules cost no round trip. All values are numbers or constants; nothing of a user's is ever part of this text.
func (l Limits) begin() string {
	var b strings.Builder
	b.WriteString("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT ")
	for _, s := range []struct{ name, value string }{
		{"lock_timeout", millis(l.Lock, DefaultLock)},
		{"statement_timeout", millis(l.Statement, DefaultStatement)},
		{"idle_in_transaction_session_timeout", millis(l.Idle, DefaultIdle)},
		{"standard_conforming_strings", "on"},
		{"search_path", ""},
		{"datestyle", "ISO, MDY"},
		{"timezone", "UTC"},
		{"intervalstyle", "postgres"},
		{"extra_float_digits", "1"},
	} {
		fmt.Fprintf(&b, "pg_catalog.set_config('%s', '%s', true), ", s.name, s.value)
	}
	// The setting came with 14, and servers on other systems than Linux may refuse it.
	fmt.Fprintf(&b, "CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 140000 "+
		"AND pg_catalog.version() LIKE '%%linux%%' "+
		"THEN pg_catalog.set_config('client_connection_check_interval', '%s', true) END", millis(clientCheck, 0))
	return b.String()
}

// millis writes a limit as the servers' milliseconds, where 0 is no limit.
func millis(d, byDefault time.Duration) string {
	switch {
	case d == 0:
		d = byDefault
	case d < 0:
		return "0"
	}
	return fmt.Sprintf("%dms", max(d.Round(time.Millisecond), time.Millisecond).Milliseconds())
}
