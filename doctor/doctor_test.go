package doctor_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/doctor"
)

// A cache that is as it should be has nothing to object to, apart from what AWS alone knows. Every check is made, and
// explained in a section of its own.
func TestExamine_ObjectsToNothingWhereAllIsWell(t *testing.T) {
	t.Parallel()
	b := setup(t, "idle_in_transaction_session_timeout", "'10min'", "tcp_keepalives_idle", "60")
	b.add(t, "sales", nil)
	page, err := os.ReadFile("../docs/doctor.md")
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, c := range b.examine(t) {
		made[c.ID] = true
		if onlyAWS := c.ID == "storage" || c.ID == "link-zone"; c.Result != doctor.OK && (!onlyAWS || c.Result != doctor.Unknown) {
			t.Errorf("%s: %s: %s: %s", c.ID, c.Result, c.About, c.Finding)
		}
		if c.Theme == "" || c.About == "" || c.Finding == "" {
			t.Errorf("%+v lacks something", c)
		}
		if !strings.Contains(string(page), "\n### "+c.ID+"\n") {
			t.Errorf("docs/doctor.md does not explain %s", c.ID)
		}
	}
	for line := range strings.Lines(string(page)) {
		if id, section := strings.CutPrefix(strings.TrimSpace(line), "### "); section && !made[id] {
			t.Errorf("docs/doctor.md explains %s, which is not checked", id)
		}
	}
}

func TestExamine_ChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	const written = `SELECT pg_stat_get_db_xact_commit(d.oid) > 0, (SELECT max(xmin::text::bigint) FROM pg_class),
		(SELECT count(*) FROM redcache.run), (SELECT max(xmin::text::bigint) FROM redcache.link_state)
		FROM pg_database d WHERE datname = current_database()`
	before := row(t, b.admin, written)
	b.examine(t)
	if after := row(t, b.admin, written); after != before {
		t.Errorf("got %s, want %s", after, before)
	}
}

func TestExamine_OneLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	other := b.link
	b.provision(t, func(l *catalog.Link) { l.Name = "other" })
	b.link = other
	b.cfg.Link = "other"
	for _, c := range b.examine(t) {
		if c.About == "link dw" || c.About == "view bi.sales" || c.About == "1 view" {
			t.Errorf("%s is about %s", c.ID, c.About)
		}
	}
	b.cfg.Link = "otter"
	_, err := doctor.New(b.pool, b.cfg).Examine(t.Context())
	missing := (*catalog.NotFoundError)(nil)
	if !errors.As(err, &missing) || missing.Near != "other" {
		t.Errorf("got %v, want that otter does not exist", err)
	}
}

// What a role may not see is unknown, and says which right it needs; it is never ok.
func TestExamine_IsUnknownWithoutTheRight(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.add(t, "sales", nil)
	b.sudo(t, `REVOKE EXECUTE ON FUNCTION pg_catalog.pg_stat_get_numscans(oid) FROM PUBLIC`)
	b.wants(t, "view-unread", doctor.Unknown, "permission denied for function")
	b.wants(t, "view-stale", doctor.OK)
}
