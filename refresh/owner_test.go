package refresh_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/refresh"
)

// A view that belongs to a role which the program's own is a member of stays that role's when it is made anew: by a
// definition with other columns, and after somebody has dropped it.
func TestPublish_KeepsTheOwnerOfAView(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	team := b.stranger(t, "Team")
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	b.sudo(t, fmt.Sprintf(`GRANT "%s" TO redcache_owner; GRANT CREATE, USAGE ON SCHEMA bi TO "%[1]s"; ALTER VIEW %s OWNER TO "%[1]s"`,
		team, v.Name.SQL()))
	before := b.dressed(t, v)
	check := func(after string) {
		t.Helper()
		owner := rows(t, b.pool, "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = '"+v.Name.SQL()+"'::regclass")
		if len(owner) != 1 || strings.Trim(owner[0], `" `) != team {
			t.Errorf("after %s, the view belongs to %v, want %s", after, owner, team)
		}
		if got := b.dressed(t, v); !equalRows(got, before) {
			t.Errorf("after %s, what is on the view is\n%v, it was\n%v", after, got, before)
		}
	}
	b.refresh(t, refresh.Request{View: v.Name})
	check("a refresh")
	if err := <-b.alter(t.Context(), v.Name, retype); err != nil {
		t.Fatalf("%v\nhint: %s", err, infra.Hint(err))
	}
	check("a definition with another type")
	b.refresh(t, refresh.Request{View: v.Name})
	b.exec(t, "DROP VIEW "+v.Name.SQL())
	b.refresh(t, refresh.Request{View: v.Name})
	check("a drop")
}

// A role that has taken its rights back since gets no view: that comes back as the cache's own, and the run says so.
func TestPublish_TakesAViewWhoseOwnerIsOutOfReach(t *testing.T) {
	t.Parallel()
	b := setup(t, salesSQL...)
	team := b.stranger(t, "Team")
	v := b.salesView(catalog.Merge)
	b.add(t, v)
	b.sudo(t, fmt.Sprintf(`GRANT "%s" TO redcache_owner; GRANT CREATE, USAGE ON SCHEMA bi TO "%[1]s"; ALTER VIEW %s OWNER TO "%[1]s"`,
		team, v.Name.SQL()))
	b.refresh(t, refresh.Request{View: v.Name})
	b.sudo(t, fmt.Sprintf(`REVOKE "%s" FROM redcache_owner; DROP VIEW %s`, team, v.Name.SQL()))
	if run := b.refresh(t, refresh.Request{View: v.Name}); !strings.Contains(reasonOf(run), "without ownership of "+team) {
		t.Errorf("the run says %q", reasonOf(run))
	}
	b.wantEqual(t, v)
	b.refresh(t, refresh.Request{View: v.Name})
}
