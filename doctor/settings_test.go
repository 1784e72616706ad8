package doctor_test

import (
	"testing"
	"time"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/doctor"
)

func TestTimeouts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	b.sudo(t, `ALTER ROLE redcache_owner IN DATABASE `+b.name+` SET statement_timeout = '900ms'`)
	b.sudo(t, `ALTER DATABASE `+b.name+` SET lock_timeout = '50ms'`) // which every transaction of ours sets itself
	b.reconnect()
	checks := b.examine(t)
	wants(t, checks, "timeouts", doctor.Warning, "statement_timeout is "+
		"900ms", `ALTER ROLE "redcache_owner" SET statement_timeout = 0`)
}

// PostgreSQL 17 brought one more, which a transaction sets like the others, once it has begun.
func TestTimeouts_OfTransactions(t *testing.T) {
	t.Parallel()
	for limit, want := range map[string]doctor.Result{"0": doctor.OK, "50": doctor.Warning, "600000": doctor.OK} {
		got := doctor.JudgeTimeouts(doctor.Setting("transaction_timeout", limit), "owner")
		wants(t, signed("timeouts", got), "timeouts", want)
	}
}

func signed(id string, checks []doctor.Check) []doctor.Check {
	for i := range checks {
		checks[i].ID = id
	}
	return checks
}

func TestIdleTransactions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.wants(t, "idle-transactions", doctor.Warning, "idle_in_transaction_session_timeout is 0")
	b.sudo(t, `ALTER DATABASE `+b.name+` SET idle_in_transaction_session_timeout = '10min'`)
	b.reconnect()
	for _, pool := range []struct {
		name string
		seen doctor.Result
	}{{"superuser", doctor.OK}, {"owner", doctor.Warning}} {
		from := b.admin
		if pool.name == "owner" {
			from = b.pool
		}
		tx, err := from.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(t.Context())
		b.cfg.Idle = time.Nanosecond
		says := "cannot be seen without pg_read_all_stats"
		if pool.seen == doctor.Warning {
			says = "has done nothing"
		}
		b.wants(t, "idle-transactions", pool.seen, says)
	}
	b.cfg.Idle = time.Hour
	b.wants(t, "idle-transactions", doctor.OK)
}

func TestKeepalives(t *testing.T) {
	t.Parallel()
	b := onServer(t)
	b.sudo(t, `ALTER DATABASE `+b.name+` SET tcp_keepalives_idle = 7200`)
	b.reconnect()
	b.wants(t, "keepalives", doctor.Warning, "tcp_keepalives_idle is 2h", "tcp_keepalives_idle = 60")
	b.sudo(t, `ALTER DATABASE `+b.name+` SET tcp_keepalives_idle = 300`)
	b.reconnect()
	b.wants(t, "keepalives", doctor.OK)
}

func TestTimeZone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.sudo(t, `ALTER DATABASE `+b.name+` SET timezone = 'Europe/Berlin'`)
	b.reconnect()
	b.wants(t, "time-zone", doctor.OK, "no view has timestamps")
	b.add(t, "sales", nil)
	b.wants(t, "time-zone", doctor.Warning, "Europe/Berlin", "bi.sales", "AT TIME ZONE 'UTC'")
	b.sudo(t, `ALTER DATABASE `+b.name+` SET timezone = 'Etc/UTC'`)
	b.reconnect()
	b.wants(t, "time-zone", doctor.OK)
}

func TestTempFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	b.add(t, "streamed", func(v *catalog.View) { v.Transport = catalog.StreamTransport })
	b.sudo(t, `ALTER ROLE redcache_owner IN DATABASE `+b.name+` SET temp_file_limit = '16kB'`)
	b.reconnect()
	checks := b.examine(t)
	wants(t, checks, "temp-files", doctor.Warning, "bi.sales", "temp_file_limit is 16.0 KiB")
	for _, c := range checks {
		if c.ID == "temp-files" && c.About == "view bi.streamed" {
			t.Errorf("a view whose rows never pass dblink is said to need temporary files: %s", c.Finding)
		}
	}
	b.sudo(t, `ALTER ROLE redcache_owner IN DATABASE `+b.name+` SET temp_file_limit = '1GB'`)
	b.reconnect()
	b.wants(t, "temp-files", doctor.OK, "more than any view takes")
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	v := b.add(t, "sales", nil)
	b.exec(t, `CREATE TABLE redcache_data.v999_g1 AS SELECT 1 AS a`)
	b.wants(t, "leftovers", doctor.Warning, "redcache_data.v999_g1", `DROP TABLE "redcache_data"."v999_g1"`)
	b.exec(t, `DROP TABLE redcache_data.v999_g1; CREATE MATERIALIZED VIEW redcache_data.`+v.Relation(7)+` AS SELECT 1 AS a`)
	b.wants(t, "leftovers", doctor.Warning, "redcache_data."+v.Relation(7))
}
