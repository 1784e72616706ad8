package infra

import (
	"fmt"
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

// begin returns the statements that open a transaction under the limits and the [Pins]. They travel in one message, so
// that the rules cost no round trip. The modes are an isolation level and READ WRITE or READ ONLY.
func (l Limits) begin(modes string) string {
	return "BEGIN ISOLATION LEVEL " + modes + ", NOT DEFERRABLE; " + pinSQL(append(Pins(),
		Pin{"lock_timeout", millis(l.Lock, DefaultLock)},
		Pin{"statement_timeout", millis(l.Statement, DefaultStatement)},
		Pin{"idle_in_transaction_session_timeout", millis(l.Idle, DefaultIdle)},
		Pin{"client_connection_check_interval", millis(clientCheck, 0)}, // since 14
	))
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
