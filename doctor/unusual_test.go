package doctor_test

import (
	"testing"

	"github.com/redcache/redcache/doctor"
)

func TestUnusualSettings(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.wants(t, "unusual-settings", doctor.OK)
	for _, s := range []struct {
		name, value, says string
		want              doctor.Result
	}{
		{"client_encoding", "LATIN1", `client_encoding is "LATIN1": the programs have "UTF8"`, doctor.Warning},
		{"quote_all_identifiers", "on", `quote_all_identifiers is "on"`, doctor.Warning},
		{"row_security", "off", `row_security is "off"`, doctor.Warning},
		{"default_transaction_read_only", "on", "refreshes write", doctor.Warning},
		{"session_replication_role", "replica", "session_replication_role is replica", doctor.Failed},
		{"zero_damaged_pages", "on", "rows go without a word", doctor.Failed},
	} {
		b.sudo(t, `ALTER DATABASE `+b.name+` SET `+s.name+` = '`+s.value+`'`)
		b.reconnect()
		b.wants(t, "unusual-settings", s.want, s.says, "RESET "+s.name)
		b.sudo(t, `ALTER DATABASE `+b.name+` RESET `+s.name)
		b.reconnect()
	}
	for _, plain := range []string{"C", "C.UTF-8", "en_US.UTF-8"} { // PostgreSQL's own words, as far as this system has them
		if _, err := b.admin.Exec(t.Context(), `ALTER DATABASE `+b.name+` SET lc_messages = '`+plain+`'`); err != nil {
			continue
		}
		b.reconnect()
		b.wants(t, "unusual-settings", doctor.OK)
	}
	b.sudo(t, `ALTER DATABASE `+b.name+` RESET lc_messages`)
	b.sudo(t, `ALTER DATABASE `+b.name+` SET DateStyle = 'German'`) // as initdb may choose it
	b.reconnect()
	b.wants(t, "unusual-settings", doctor.OK)
}

func TestExtensionSchema(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sudo(t, `REVOKE CREATE ON SCHEMA public FROM PUBLIC`) // older servers grant it
	b.wants(t, "extension-schema", doctor.OK)
	b.sudo(t, `GRANT CREATE ON SCHEMA public TO PUBLIC`)
	c := b.wants(t, "extension-schema", doctor.Warning, "schema public: PUBLIC may create")
	b.sudo(t, c.Fix)
	b.wants(t, "extension-schema", doctor.OK)
	b.sudo(t, `CREATE FUNCTION public.dblink_connect(text, name) RETURNS text LANGUAGE sql AS 'SELECT ''OK''::text'`)
	c = b.wants(t, "extension-schema", doctor.Failed, "function public.dblink_connect(text,name)", "belongs to postgres")
	b.sudo(t, c.Fix)
	b.wants(t, "extension-schema", doctor.OK)
}
