package doctor_test

import (
	"testing"

	"github.com/redcache/redcache/doctor"
)

func TestPublicViews(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	b.exec(t, `GRANT SELECT ON bi.sales TO pg_monitor`)
	b.wants(t, "public-views", doctor.OK)
	b.exec(t, `GRANT SELECT ON bi.sales TO PUBLIC`)
	c := b.wants(t, "public-views", doctor.Warning, "view bi.sales", "REVOKE SELECT ON bi.sales FROM PUBLIC")
	b.repair(t, c)
	b.wants(t, "public-views", doctor.OK)
}

func TestWritable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", nil)
	b.exec(t, `GRANT SELECT ON redcache.view TO pg_monitor`)
	b.wants(t, "writable", doctor.OK)
	for _, tt := range []struct {
		grant, about string
		want         doctor.Result
	}{
		{`INSERT, DELETE ON bi.sales TO pg_monitor`, "view bi.sales: pg_monitor has DELETE, INSERT", doctor.Warning},
		{`TRUNCATE ON redcache_data.` + v.Relation(1) + ` TO PUBLIC`, "generation " +
			"redcache_data." + v.Relation(1), doctor.Warning},
		{`UPDATE ON redcache.view TO pg_monitor`, "catalog redcache.view: pg_monitor has UPDATE", doctor.Failed},
		{`CREATE ON SCHEMA redcache TO PUBLIC`, "schema redcache: PUBLIC has CREATE", doctor.Failed},
	} {
		b.exec(t, `GRANT `+tt.grant)
		b.repair(t, b.wants(t, "writable", tt.want, tt.about))
		b.wants(t, "writable", doctor.OK)
	}
}

func TestGenerations(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", nil)
	b.wants(t, "generations", doctor.OK)
	b.exec(t, `GRANT SELECT ON redcache_data.`+v.Relation(1)+` TO pg_monitor`)
	b.repair(t, b.wants(t, "generations", doctor.Warning, "pg_monitor may read it directly"))
	b.exec(t, `GRANT USAGE ON SCHEMA redcache_data TO PUBLIC`)
	b.repair(t, b.wants(t, "generations", doctor.Warning, "schema redcache_data", "PUBLIC may use it"))
	b.wants(t, "generations", doctor.OK)
}

func TestLinkUsers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.wants(t, "link-users", doctor.OK)
	for _, tt := range []struct {
		spoil, says string
		want        doctor.Result
	}{
		{`GRANT USAGE ON FOREIGN SERVER redcache_dw TO pg_monitor`, "pg_monitor may use its foreign " +
			"server", doctor.Warning},
		{`GRANT USAGE ON FOREIGN SERVER redcache_dw TO PUBLIC`, "PUBLIC may use its foreign server", doctor.Failed},
		{`CREATE USER MAPPING FOR PUBLIC SERVER redcache_dw OPTIONS (user 'u')`, "a user mapping for " +
			"PUBLIC", doctor.Failed},
		{`CREATE USER MAPPING FOR pg_monitor SERVER redcache_dw OPTIONS (user 'u')`, "pg_monitor has a user " +
			"mapping", doctor.Warning},
	} {
		b.exec(t, tt.spoil)
		b.repair(t, b.wants(t, "link-users", tt.want, "link dw", tt.says))
		b.wants(t, "link-users", doctor.OK)
	}
}
