package grants_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/grants"
)

// Who is here and there. Readers and teams are roles of the cache database, the rest are users, groups and roles of the
// source.
var (
	locals  = []string{"@a", "@b", "@c", "@d", "@team", "@Team 2"}
	users   = []string{"@u1", "@u2", "@u3"}
	groups  = []string{"@g1", "@g2"}
	rbac    = []string{"@o1", "@o2"}
	columns = map[string][]string{"sale": {"id", "price"}, "cost": {"sale_id", "cost"}}
	queries = map[string]string{
		"one": "SELECT id, price FROM shop.sale",
		"two": "SELECT s.id, c.cost * 2 AS cost FROM shop.sale s JOIN shop.cost c ON c.sale_id = s.id",
	}
)

// world is a random state of both sides, made anew for each check.
type world struct {
	*bundle
	t       *rapid.T
	mapping grants.Mapping
}

// Whatever was granted on either side, the audit says of each role what the servers say: whether it can read, and
// whether whom it is mapped to can run the query. After a sync nobody reads who should not, but those it names; nobody
// who may has lost anything but what it names; and to do it again changes nothing.
func TestAuditAndSync_AgreeWithTheServers(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE SCHEMA shop; CREATE TABLE shop.sale (id int, price int); CREATE TABLE shop.cost (sale_id int, cost int)`)
	b.audited(t)
	for name, query := range queries {
		b.add(t, name, query)
	}
	for _, name := range slices.Concat(locals, users) {
		b.super(t, "CREATE ROLE "+quote(name)+" LOGIN")
	}
	for _, name := range slices.Concat(groups, rbac) {
		b.super(t, "CREATE ROLE "+quote(name))
	}
	for _, name := range rbac {
		b.remote(t, "INSERT INTO redshift.role VALUES ('"+name+"')")
	}
	b.super(t, tryFunction)
	b.remote(t, tryFunction)
	rapid.Check(t, func(t *rapid.T) { (&world{bundle: b, t: t}).check() })
}

func quote(name string) string { return `"` + name + `"` }

func (w *world) check() {
	w.local(w.t, w.shuffleLocal())
	w.remote(w.t, w.shuffleRemote())
	w.drawMapping()
	auditor := grants.New(w.pool, grants.Config{Mapping: w.mapping, RevokeAll: true}) // also where nobody is mapped
	before := w.hold(auditor)
	changes, _, err := auditor.Sync(w.t.Context(), nil, false)
	if err != nil {
		w.t.Fatalf("sync: %v", err)
	}
	after := w.hold(auditor)
	for view, readers := range before {
		i := slices.IndexFunc(changes, func(c grants.Change) bool { return c.View.View == view })
		var change grants.Change
		if i >= 0 {
			change = changes[i]
		}
		w.compare(view, readers, after[view], change)
	}
	again, _, err := auditor.Sync(w.t.Context(), nil, false)
	if err != nil {
		w.t.Fatalf("sync again: %v", err)
	}
	for _, change := range again {
		if len(change.Statements) > 0 || len(change.Left) == 0 {
			w.t.Errorf("sync again: %+v", change)
		}
	}
}

// compare holds what a sync did to a view against what it says that it did.
func (w *world) compare(view string, before, after map[string]bool, change grants.Change) {
	left := map[string]bool{}
	for _, r := range change.Left {
		left[r.Role] = true
	}
	for _, r := range change.Revoked {
		if excess := before[r.Role]; !excess && strings.HasPrefix(r.Role, w.prefix) && slices.Contains(locals, "@"+strings.TrimPrefix(r.Role, w.prefix)) {
			w.t.Errorf("%s: %s was revoked, and was no excess", view, r.Role)
		}
	}
	for role, excess := range before {
		_, reads := after[role]
		switch {
		case excess && reads != left[role]:
			w.t.Errorf("%s: %s is an excess, reads after the sync: %v, which says %v", view, role, reads, left[role])
		case !excess && reads == slices.Contains(change.Loses, role):
			w.t.Errorf("%s: %s is allowed, reads after the sync: %v, which says it loses: %v", view, role, reads, change.Loses)
		}
	}
	for role := range after {
		if _, read := before[role]; !read {
			w.t.Errorf("%s: %s reads after the sync, not before", view, role)
		}
	}
	for _, r := range change.Left {
		if slices.ContainsFunc(r.Ways, func(way grants.Way) bool {
			return way.Via == grants.ViaGrant && way.Through == nil && way.Grantor == ""
		}) {
			w.t.Errorf("%s: %s was left with a grant of its own: %v", view, r.Role, r.Ways)
		}
	}
}

// hold audits all views, holds the result against the servers, and returns by view and role whether it is an excess.
func (w *world) hold(auditor *grants.Auditor) map[string]map[string]bool {
	report, err := auditor.Audit(w.t.Context(), nil)
	if err != nil {
		w.t.Fatalf("audit: %v", err)
	}
	all := map[string]map[string]bool{}
	for _, audit := range report.Audits {
		got := map[string]bool{}
		for _, r := range audit.Readers {
			ours := strings.HasPrefix(r.Role, w.prefix) && slices.Contains(locals, "@"+strings.TrimPrefix(r.Role, w.prefix))
			if ours || r.Role == grants.PUBLIC { // the server has roles of other tests, and the users of the source
				got[r.Role] = r.Excess()
			}
		}
		want := w.oracle(audit.View)
		if got[grants.PUBLIC] {
			want[grants.PUBLIC] = true // nobody can become that one
		}
		if !maps.Equal(got, want) {
			w.t.Fatalf("%s: got %v, the servers say %v", audit.View, got, want)
		}
		all[audit.View.View] = got
	}
	return all
}

// tryFunction tries a query as a role that has become another, or stayed itself, and undoes that.
const tryFunction = `
	CREATE FUNCTION public.try(session text, become text, query text) RETURNS boolean LANGUAGE plpgsql AS $$
	BEGIN
		EXECUTE format('SET LOCAL SESSION AUTHORIZATION %I', session);
		EXECUTE format('SET LOCAL ROLE %I', become);
		EXECUTE query;
		RAISE 'it worked';
	EXCEPTION
		WHEN raise_exception THEN RETURN true;
		WHEN insufficient_privilege THEN RETURN false;
	END
	$$`

// oracle asks the servers who can read a view, as itself or as anybody that it can become, and whether the one that it
// is mapped to can run the query.
func (w *world) oracle(view catalog.Name) map[string]bool {
	excess := map[string]bool{}
	everybody := strings.Split(w.named(strings.Join(locals, ",")), ",")
	rows, err := w.admin.Query(w.t.Context(), `SELECT DISTINCT session FROM unnest($1::text[]) session, unnest($1::text[]) become
		WHERE public.try(session, become, $2)`, everybody, "SELECT 1 FROM "+view.SQL())
	if err != nil {
		w.t.Fatalf("try to read %s: %v", view, err)
	}
	readers, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatalf("try to read %s: %v", view, err)
	}
	for _, name := range readers {
		identity, may := w.mapping[name]
		if may {
			err = w.source.Engine.QueryRow(w.t.Context(), `SELECT public.try($1, $1, $2)`, identity.Name, queries[view.View]).Scan(&may)
		}
		if err != nil {
			w.t.Fatalf("try to read as %s: %v", identity, err)
		}
		excess[name] = !may
	}
	return excess
}

func (w *world) flip(what string) bool { return rapid.IntRange(0, 2).Draw(w.t, what) == 0 }

// some draws members of a list, with PUBLIC perhaps, quoted.
func (w *world) some(list []string, what string, public int) string {
	var names []string
	for _, name := range list {
		if w.flip(what + " " + name) {
			names = append(names, quote(name))
		}
	}
	if rapid.IntRange(0, public).Draw(w.t, what+" public") == public {
		names = append(names, "PUBLIC")
	}
	return strings.Join(names, ", ")
}

func every(list []string) string {
	quoted := make([]string, len(list))
	for i, name := range list {
		quoted[i] = quote(name)
	}
	return strings.Join(quoted, ", ") + ", PUBLIC"
}

// memberships draws who is in whom: only in later ones, so that there is no circle.
func (w *world) memberships(of, in []string) string {
	var sql strings.Builder
	for _, team := range in {
		for _, member := range of {
			if team == member {
				break
			}
			fmt.Fprintf(&sql, "REVOKE %s FROM %s; ", quote(team), quote(member))
			if w.flip(member + " in " + team) {
				fmt.Fprintf(&sql, "GRANT %s TO %s; ", quote(team), quote(member))
			}
		}
	}
	return sql.String()
}

func (w *world) shuffleLocal() string {
	var members strings.Builder
	members.WriteString(w.memberships(locals, locals))
	for _, name := range locals {
		fmt.Fprintf(&members, "ALTER ROLE %s %s; ", quote(name), map[bool]string{true: "NOINHERIT", false: "INHERIT"}[w.flip(name+" inherits not")])
	}
	w.super(w.t, members.String())
	sql := "REVOKE USAGE ON SCHEMA bi FROM " + every(locals) + "; "
	if to := w.some(locals, "usage", 2); to != "" {
		sql += "GRANT USAGE ON SCHEMA bi TO " + to + "; "
	}
	for _, view := range slices.Sorted(maps.Keys(queries)) {
		sql += "REVOKE ALL ON bi." + view + " FROM " + every(locals) + " CASCADE; "
		if to := w.some(locals, "select "+view, 6); to != "" {
			sql += "GRANT SELECT ON bi." + view + " TO " + to + "; "
		}
		if to := w.some(locals, "select id of "+view, 9); to != "" {
			sql += "GRANT SELECT (id) ON bi." + view + " TO " + to + "; "
		}
		if w.flip("pass on " + view) {
			from, to := rapid.SampledFrom(locals).Draw(w.t, "from"), rapid.SampledFrom(locals).Draw(w.t, "to")
			sql += "GRANT USAGE ON SCHEMA bi TO " + quote(from) + "; GRANT SELECT ON bi." + view + " TO " + quote(from) + " WITH GRANT OPTION; "
			if from != to {
				w.local(w.t, sql)
				w.super(w.t, "SET SESSION AUTHORIZATION "+quote(from)+"; GRANT SELECT ON bi."+view+" TO "+quote(to)+"; RESET SESSION AUTHORIZATION")
				sql = ""
			}
		}
	}
	return sql + "SELECT 1"
}

func (w *world) shuffleRemote() string {
	sql := w.memberships(users, groups) + w.memberships(users, rbac) + w.memberships(rbac, rbac)
	everybody := slices.Concat(users, groups, rbac)
	sql += "REVOKE USAGE ON SCHEMA shop FROM " + every(everybody) + "; "
	if to := w.some(everybody, "usage", 1); to != "" {
		sql += "GRANT USAGE ON SCHEMA shop TO " + to + "; "
	}
	for _, table := range slices.Sorted(maps.Keys(columns)) {
		sql += "REVOKE ALL ON shop." + table + " FROM " + every(everybody) + "; "
		if to := w.some(everybody, "select "+table, 3); to != "" {
			sql += "GRANT SELECT ON shop." + table + " TO " + to + "; "
		}
		for _, column := range columns[table] {
			if to := w.some(everybody, "select "+column, 9); to != "" {
				sql += "GRANT SELECT (" + column + ") ON shop." + table + " TO " + to + "; "
			}
		}
	}
	return sql
}

// drawMapping maps most roles.
func (w *world) drawMapping() {
	w.mapping = grants.Mapping{}
	for _, name := range locals {
		kind := rapid.SampledFrom([]grants.Kind{grants.User, grants.User, grants.Group, grants.Role, ""}).Draw(w.t, name+" is")
		if list := map[grants.Kind][]string{grants.User: users, grants.Group: groups, grants.Role: rbac}[kind]; list != nil {
			who := rapid.SampledFrom(list).Draw(w.t, name+" is who")
			w.mapping[w.named(name)] = grants.Identity{Kind: kind, Name: w.named(who)}
		}
	}
}
