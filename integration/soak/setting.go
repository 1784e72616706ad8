package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/redcache/redcache/internal/pgtest"
)

// hostile are settings of the owner's role that change what statements mean where nobody pins them. Any of them may be
// met in an installation.
var hostile = map[string][]string{
	"client_encoding": {"LATIN1", "SQL_ASCII"}, "datestyle": {"SQL, DMY", "German", "Postgres, MDY"},
	"intervalstyle": {"sql_standard", "iso_8601"}, "timezone": {"Asia/Kathmandu", "America/St_Johns"},
	"extra_float_digits": {"-15", "0"}, "bytea_output": {"escape"}, "standard_conforming_strings": {"off"},
	"transform_null_equals": {"on"}, "quote_all_identifiers": {"on"}, "exit_on_error": {"on"}, "row_security": {"off"},
	"default_transaction_isolation": {"serializable", "repeatable read"}, "default_transaction_deferrable": {"on"},
	"search_path": {"public", "nowhere, public"}, "lc_messages": {"C"}, "array_nulls": {"off"},
	"enable_seqscan": {"off"}, "enable_hashjoin": {"off"}, "enable_mergejoin": {"off"}, "jit": {"on"},
	"work_mem": {"64kB"}, "plan_cache_mode": {"force_generic_plan"}, "statement_timeout": {"20s"},
	"default_toast_compression": {"lz4"}, "synchronous_commit": {"off"}, "client_min_messages": {"debug1"},
	"default_transaction_read_only": {"on"}, "lock_timeout": {"1ms"}, "idle_in_transaction_session_timeout": {"1s"},
}

// trouble gives the owner a few of them, in the database of this history, before anybody connects.
func (h *history) trouble(ctx context.Context, p *pair, r *rand.Rand) error {
	p.pooled = r.IntN(2) == 0 && p.pooler != nil
	if p.pooled {
		h.say("the second worker comes through a pooler")
		h.did("a worker behind a pooler")
	}
	if r.IntN(2) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(hostile))
	for _, n := range r.Perm(len(names))[:1+r.IntN(6)] {
		name := names[n]
		value := one(r, hostile[name])
		if name != "search_path" { // that is a list of names
			value = literal(value)
		}
		h.say("for the owner, %s is %s", name, value)
		set := fmt.Sprintf("ALTER ROLE %s IN DATABASE %s SET %s = %s", pgtest.Owner, p.cacheDB, name, value)
		if err := p.cache.Admin(ctx, "postgres", set); err != nil {
			return err
		}
	}
	return nil
}
