package doctor_test

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// hostile is a name with all that a name can have which a terminal, a shell, SQL or a format would act upon.
const hostile = "-a b\x1b[31m\u202e\n\r\t\u009b'\"\\%s%!d $$;--`$(x)é"

// pasted are the statements in what a check says to do.
var pasted = regexp.MustCompile(`(?:REVOKE|GRANT|DROP|ALTER|CREATE|ROLLBACK|SELECT) .*?;(?:$| )`)

// Whatever objects are called, what a check says to do about them is one line that can be seen, and does it when it is pasted.
func TestFixesReachObjectsOfAnyName(t *testing.T) {
	t.Parallel()
	b := setup(t, "max_prepared_transactions", "5")
	name, text := `"`+strings.ReplaceAll(hostile, `"`, `""`)+`"`, sql.Literal(hostile)
	b.change(t, `ALTER TABLE public.sales ADD COLUMN `+name+` integer; UPDATE public.sales SET `+name+` = id`)
	v := b.add(t, hostile, func(v *catalog.View) {
		v.Name.Schema, v.Key, v.Watermark, v.Strategy = hostile, []string{hostile}, "sold_at", catalog.Incremental
	})
	view, generation := name+"."+name, "redcache_data."+v.Relation(1)
	b.sudo(t, `CREATE ROLE `+name+` LOGIN; CREATE TYPE public.`+name+` AS ENUM ('x')`)
	b.sudo(t, `CREATE FUNCTION public.dblink(public.`+name+`) RETURNS integer LANGUAGE sql AS 'SELECT 1';
		ALTER FUNCTION public.dblink(public.`+name+`) OWNER TO `+name+`;
		CREATE PROCEDURE public.dblink_exec(public.`+name+`) LANGUAGE sql AS ''`)
	b.sudo(t, `GRANT CREATE ON SCHEMA public TO `+name)
	b.exec(t, `GRANT SELECT ON `+view+` TO PUBLIC; GRANT INSERT, TRIGGER ON `+view+` TO `+name+`;
		GRANT SELECT, UPDATE ON `+generation+` TO `+name+`; GRANT USAGE, CREATE ON SCHEMA redcache_data TO `+name+`;
		GRANT UPDATE ON redcache.view TO `+name+`; GRANT USAGE ON FOREIGN SERVER redcache_dw TO `+name+`;
		CREATE USER MAPPING FOR `+name+` SERVER redcache_dw OPTIONS (user 'u')`)
	b.exec(t, `DROP INDEX `+generation+`_key; ALTER TABLE `+generation+` SET (autovacuum_enabled = off)`)
	b.sudo(t, `CREATE INDEX `+name+` ON `+generation+` (id); UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = '`+
		strings.ReplaceAll(`redcache_data.`+name, `'`, `''`)+`'::regclass`)
	prepared, err := pgx.Connect(t.Context(), b.cluster.AdminURL(b.name))
	if err != nil {
		t.Fatal(err)
	}
	const password = "only here"
	b.sudo(t, `ALTER ROLE `+name+` PASSWORD '`+password+`'`)
	login, err := pgx.ParseConfig(b.cluster.OwnerURL(b.name))
	if err != nil {
		t.Fatal(err)
	}
	login.User, login.Password = hostile, password
	stranger, err := pgx.ConnectConfig(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { prepared.Close(context.Background()); stranger.Close(context.Background()) })
	for _, sql := range []string{"BEGIN", "LOCK TABLE " + view + " IN ACCESS SHARE MODE", "PREPARE TRANSACTION " + text} {
		if _, err := prepared.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	t.Cleanup(func() { _, _ = prepared.Exec(context.Background(), "ROLLBACK PREPARED "+text) })
	var classOfViews int32
	if err := b.admin.QueryRow(t.Context(), `SELECT 'redcache.view'::regclass::oid::integer`).Scan(&classOfViews); err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Exec(t.Context(), `SELECT pg_advisory_lock($1, $2)`, classOfViews, v.ID); err != nil {
		t.Fatal(err)
	}
	b.cfg.Idle = 1

	ids := []string{
		"public-views", "writable", "extension-schema", "generations", "link-users", "view-indexes", "prepared-transactions", "strange-locks",
	}
	met := map[string]bool{}
	for _, c := range b.examine(t) {
		if c.Result == doctor.OK {
			continue
		}
		fix := infra.Printable(c.Fix)
		if fix != c.Fix {
			t.Errorf("%s: what is to be pasted has what cannot be seen: %q", c.ID, c.Fix)
		}
		for _, statement := range pasted.FindAllString(fix, -1) {
			if _, err := b.admin.Exec(t.Context(), statement); err != nil {
				t.Errorf("%s: %s: %v", c.ID, statement, err)
			}
			met[c.ID] = true
		}
	}
	after := b.examine(t)
	for _, c := range after {
		if met[c.ID] && c.Result != doctor.OK {
			t.Errorf("%s: after all that was to be done: %s: %s", c.ID, c.Finding, c.Fix)
		}
	}
	for _, id := range ids {
		if !met[id] {
			t.Errorf("%s has nothing to do; met %v", id, met)
		}
	}
}
