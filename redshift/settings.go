package redshift

import (
	"fmt"
	"strings"
	"time"
)

// Settings are what a session asks of Redshift beyond the settings that every session has.
type Settings struct {
	QueryGroup       string        // names us in the warehouse's query history and its queues; empty sets none
	StatementTimeout time.Duration // whole milliseconds; counts queueing too; 0 means the remote's own
}

// SQL returns the statements that prepare a session, each with its semicolon, to be sent as one message. Every one is
// known to Redshift; what PostgreSQL added after 8.0 is not. It fails for a query group with a zero byte.
func (set Settings) SQL() (string, error) {
	var b strings.Builder
	b.WriteString("SET datestyle TO ISO; SET extra_float_digits TO 2; SET timezone TO 'UTC'; ")
	if set.QueryGroup != "" {
		group, err := Literal(set.QueryGroup)
		if err != nil {
			return "", fmt.Errorf("query group: %w", err)
		}
		b.WriteString("SET query_group TO " + group + "; ")
	}
	if set.StatementTimeout > 0 {
		// A timeout of zero would be none at all.
		fmt.Fprintf(&b, "SET statement_timeout TO %d; ", max(1, set.StatementTimeout.Milliseconds()))
	}
	return b.String(), nil
}
