package infra

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// poolerHints are for what poolers refuse. PgBouncer does so under one SQLSTATE, 08P01, so the text has to tell.
var poolerHints = []struct{ text, hint string }{
	{"unsupported startup parameter", noSettings},
	{"RDS Proxy currently doesn't support", noSettings},
	{"SASL authentication failed", "Check user and password in DATABASE_URL, and that the pooler knows them."},
	{"not allowed in statement pooling mode", "Set pool_mode = transaction in the pooler: a refresh is one transaction."},
	{"query_wait_timeout", "All server connections of the pooler were taken. It needs one for each refresh that can be " +
		"under way, of all programs together, and at least one more: raise default_pool_size, or lower " +
		"REDCACHE_CONCURRENCY of the workers."},
}

const noSettings = "The pooler takes no settings at login. Take this one out of DATABASE_URL: the programs set what they " +
	"need in each transaction."

// poolerHint is what the user can do about an error that a pooler has sent, or "".
func poolerHint(err error) string {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return ""
	}
	for _, h := range poolerHints {
		if strings.Contains(refused.Message, h.text) {
			return h.hint
		}
	}
	return ""
}
