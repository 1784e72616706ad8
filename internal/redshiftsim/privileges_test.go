package redshiftsim_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// people are users, a group and roles of one test: the engine's roles belong to all tests of the package.
const people = `
	CREATE ROLE sim_ann LOGIN; CREATE ROLE sim_bob LOGIN; CREATE ROLE sim_staff; CREATE ROLE sim_bi; CREATE ROLE sim_base;
	INSERT INTO redshift.role VALUES ('sim_bi'), ('sim_base');
	GRANT sim_staff TO sim_ann; GRANT sim_bi TO sim_bob; GRANT sim_base TO sim_bi;
	CREATE SCHEMA shop; CREATE TABLE shop.sale (id int, price int); CREATE TABLE shop.cost (id int);
	CREATE VIEW shop.late AS SELECT id FROM shop.cost; COMMENT ON VIEW shop.late IS 'with no schema binding';
	GRANT USAGE ON SCHEMA shop TO sim_staff, sim_base; GRANT SELECT ON shop.sale TO sim_staff; GRANT SELECT ON shop.cost TO sim_base;
	GRANT SELECT (id) ON shop.sale TO sim_bob; GRANT SELECT ON shop.late TO PUBLIC;
	ALTER TABLE shop.cost ENABLE ROW LEVEL SECURITY; INSERT INTO redshift.masking VALUES ('shop', 'sale', 'hide_price')`

func TestServer_TellsWhoMayRead(t *testing.T) {
	t.Parallel()
	warehouse := redshiftsim.For(t)
	exec(t, warehouse, people)
	t.Cleanup(func() {
		_, err := warehouse.Engine.Exec(context.Background(), `DROP SCHEMA shop CASCADE; DROP ROLE sim_ann, sim_bob, sim_staff, sim_bi, sim_base`)
		if err != nil {
			t.Error(err)
		}
	})
	conn := connect(t, warehouse)
	show := func(sql string) string {
		var lines []string
		for _, row := range texts(t, conn, sql) {
			lines = append(lines, strings.Join(row, " "))
		}
		return strings.Join(lines, ", ")
	}
	const (
		tables = `SELECT u.usename, has_table_privilege(u.usename, '"shop"."sale"', 'select'), has_table_privilege(u.usename, 'shop.cost', 'SELECT')
			FROM pg_catalog.pg_user u WHERE u.usename LIKE 'sim_%' ORDER BY 1`
		relations = `SELECT relation_name, identity_name, identity_type FROM svv_relation_privileges WHERE namespace_name = 'shop' AND privilege_type = 'SELECT' ORDER BY 1, 2`
		masks     = `SELECT schema_name, table_name FROM svv_attached_masking_policy`
		security  = `SELECT relschema, relname, is_rls_on FROM svv_rls_relation`
		users     = `SELECT user_name, role_name FROM svv_user_grants WHERE user_name LIKE 'sim_%'`
		roles     = `SELECT role_name, granted_role_name FROM svv_role_grants`
	)
	check := func(sql, want string) {
		t.Helper()
		if diff := cmp.Diff(want, show(sql)); diff != "" {
			t.Errorf("%s:\n%s", sql, diff)
		}
	}
	check(tables, "sim_ann t f, sim_bob f f") // what comes through a role does not show
	check(`SELECT u.usename, has_schema_privilege(u.usename, 'shop', 'usage') FROM pg_user u WHERE u.usename LIKE 'sim_%' ORDER BY 1`,
		"sim_ann t, sim_bob f")
	check(`SELECT groname FROM pg_group WHERE groname LIKE 'sim_%'`, "sim_staff")
	check(`SELECT viewname FROM pg_catalog.pg_views WHERE schemaname = 'shop' AND definition LIKE '%no schema binding%'`, "late")
	check(relations, "late public public")
	check(users, "")
	check(roles, "")
	check(masks, "")
	_, err := conn.Exec(t.Context(), security, pgx.QueryExecModeExec)
	wantError(t, err, "42501", "permission denied for relation svv_rls_relation")
	_, err = conn.Exec(t.Context(), `SELECT has_table_privilege('sim_nobody', 'shop.sale', 'select')`, pgx.QueryExecModeExec)
	wantError(t, err, "42704", `user "sim_nobody" does not exist`)

	exec(t, warehouse, fmt.Sprintf(`INSERT INTO redshift.system_grant VALUES ('%[1]s', 'sys:monitor'), ('%[1]s', 'sys:secadmin')`, redshiftsim.User))
	check(relations, "cost sim_base role, late public public, sale sim_staff group")
	check(`SELECT column_name, identity_name FROM svv_column_privileges WHERE relation_name = 'sale'`, "id sim_bob")
	check(`SELECT identity_name, privilege_type FROM svv_schema_privileges WHERE namespace_name = 'shop' ORDER BY 1`,
		"sim_base USAGE, sim_staff USAGE")
	check(users, "sim_bob sim_bi")
	check(roles, "sim_bi sim_base")
	check(`SELECT role_name FROM svv_roles ORDER BY 1`, "sim_base, sim_bi")
	check(masks, "shop sale")
	check(security, "shop cost t")
}
