package grants

import (
	"context"
	"slices"
	"strings"

	"github.com/redcache/redcache/redshift"
)

// warehouse is what one Redshift database tells about identities and relations, as far as the link's login may know.
type warehouse struct {
	login        string
	super        bool // the login is a superuser
	seesGrants   bool // it is shown what others were granted
	seesPolicies bool // it is shown row-level security and masking

	users    map[string]string // the ones that were asked for, by name: their ids
	groups   map[string][]string
	roles    map[string]bool
	has      map[Identity][]Identity // roles and groups that an identity has, each by one step
	kinds    map[redshift.Relation]kind
	schemas  map[string]bool
	selects  map[permission]bool
	usage    map[permission]bool                   // with a schema, and no name
	columns  map[permission]map[string]bool        // columns with a grant of their own
	all      map[redshift.Relation]map[string]bool // every column, of relations where some have a grant
	policies map[redshift.Relation]string          // what guards its rows
	circles  map[Identity][]Identity               // see circle
}

type permission struct {
	on redshift.Relation
	to Identity
}

// kind is what a relation on Redshift is.
type kind string

const (
	table       kind = "table"
	boundView   kind = "view"
	lateBinding kind = "late-binding view"
	hiddenView  kind = "view of unknown binding"
	outside     kind = "unknown" // not in this database's catalog
	system      kind = "catalog"
)

// ask learns all that is needed to judge the identities on the relations.
func ask(ctx context.Context, src redshift.Source, identities []Identity, relations []redshift.Relation) (*warehouse, error) {
	w := &warehouse{
		users: map[string]string{}, groups: map[string][]string{}, roles: map[string]bool{}, has: map[Identity][]Identity{},
		kinds: map[redshift.Relation]kind{}, schemas: map[string]bool{}, selects: map[permission]bool{},
		usage: map[permission]bool{}, columns: map[permission]map[string]bool{}, circles: map[Identity][]Identity{},
		all: map[redshift.Relation]map[string]bool{}, policies: map[redshift.Relation]string{},
	}
	a := &asker{src: src}
	users, names, schemas := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, i := range identities {
		if i.Kind == User {
			users[i.Name] = true
		}
	}
	for _, r := range relations {
		names[r.Name], schemas[r.Schema] = true, true
	}
	w.askLogin(ctx, a, users)
	w.askGroups(ctx, a)
	w.askRoles(ctx, a)
	w.askPolicies(ctx, a)
	for _, in := range a.lists(schemas) {
		w.askSchemas(ctx, a, in)
		for _, of := range a.lists(names) {
			w.askRelations(ctx, a, in, of)
			w.askGrants(ctx, a, identities, in, of)
			for _, who := range a.lists(users) {
				w.askUsers(ctx, a, who, in, of)
			}
		}
	}
	return w, a.err
}

func (w *warehouse) askLogin(ctx context.Context, a *asker, users map[string]bool) {
	a.rows(ctx, "SELECT current_user", 1, func(row []string) { w.login = row[0] })
	asked := map[string]bool{w.login: true}
	for name := range users {
		asked[name] = true
	}
	for _, who := range a.lists(asked) {
		a.rows(ctx, "SELECT usename, usesysid, usesuper FROM pg_catalog.pg_user WHERE usename IN "+who, 3, func(row []string) {
			if users[row[0]] {
				w.users[row[0]] = row[1]
			}
			w.super = w.super || row[0] == w.login && strings.HasPrefix(row[2], "t")
		})
	}
}

// askGroups reads the members as the text of an array: 8.0 cannot take one apart by itself.
func (w *warehouse) askGroups(ctx context.Context, a *asker) {
	names := map[string][]string{} // of users, by id
	for name, id := range w.users {
		names[id] = append(names[id], name)
	}
	a.rows(ctx, "SELECT groname, grolist FROM pg_catalog.pg_group", 2, func(row []string) {
		w.groups[row[0]] = nil
		for id := range strings.SplitSeq(strings.Trim(row[1], "{}"), ",") {
			for _, name := range names[id] {
				w.give(Identity{User, name}, Identity{Group, row[0]})
			}
		}
	})
}

func (w *warehouse) give(to, what Identity) { w.has[to] = append(w.has[to], what) }

// askRoles reads who has which role, and finds out whether that is all, or only what the login itself has.
func (w *warehouse) askRoles(ctx context.Context, a *asker) {
	others := false
	a.maybe(ctx, "SELECT role_name FROM pg_catalog.svv_roles", 1, func(row []string) { w.roles[row[0]] = true })
	a.maybe(ctx, "SELECT user_name, role_name FROM pg_catalog.svv_user_grants", 2, func(row []string) {
		w.give(Identity{User, row[0]}, Identity{Role, row[1]})
		others = others || row[0] != w.login
	})
	a.maybe(ctx, "SELECT role_name, granted_role_name FROM pg_catalog.svv_role_grants", 2, func(row []string) {
		w.give(Identity{Role, row[0]}, Identity{Role, row[1]})
	})
	own := w.circle(Identity{User, w.login})
	w.seesGrants = w.super || others || slices.ContainsFunc(own, func(i Identity) bool {
		return i.Kind == Role && (i.Name == "sys:monitor" || i.Name == "sys:superuser")
	})
	a.maybe(ctx, "SELECT identity_name FROM pg_catalog.svv_system_privileges "+
		"WHERE system_privilege = 'ACCESS SYSTEM TABLE' AND identity_type = 'role'", 1, func(row []string) {
		w.seesGrants = w.seesGrants || slices.Contains(own, Identity{Role, row[0]})
	})
	w.seesPolicies = w.super || slices.Contains(own, Identity{Role, "sys:secadmin"})
}

func (w *warehouse) askPolicies(ctx context.Context, a *asker) {
	for _, q := range []struct{ policy, sql string }{
		{"row-level security", "SELECT relschema, relname FROM pg_catalog.svv_rls_relation WHERE is_rls_on"},
		{"masking", "SELECT schema_name, table_name FROM pg_catalog.svv_attached_masking_policy"},
	} {
		answered := a.maybe(ctx, q.sql, 2, func(row []string) {
			w.policies[redshift.Relation{Schema: row[0], Name: row[1]}] = q.policy
		})
		w.seesPolicies = w.seesPolicies && answered
	}
}

func (w *warehouse) askSchemas(ctx context.Context, a *asker, in string) {
	a.rows(ctx, "SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname IN "+in, 1,
		func(row []string) { w.schemas[row[0]] = true })
	a.maybe(ctx, "SELECT namespace_name, identity_type, identity_name FROM pg_catalog.svv_schema_privileges "+
		"WHERE privilege_type = 'USAGE' AND namespace_name IN "+in, 3, func(row []string) {
		w.usage[permission{redshift.Relation{Schema: row[0]}, identity(row[1], row[2])}] = true
	})
}

// askRelations learns what there is. A view is late-binding by the words that its definition ends with.
func (w *warehouse) askRelations(ctx context.Context, a *asker, in, of string) {
	a.rows(ctx, "SELECT n.nspname, c.relname, c.relkind FROM pg_catalog.pg_class c "+
		"JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "+
		"WHERE c.relkind IN ('r', 'v', 'm') AND n.nspname IN "+in+" AND c.relname IN "+of, 3, func(row []string) {
		kinds := map[string]kind{"r": table, "v": hiddenView, "m": boundView}
		w.kinds[redshift.Relation{Schema: row[0], Name: row[1]}] = kinds[row[2]]
	})
	a.rows(ctx, "SELECT schemaname, viewname, CASE WHEN definition IS NULL THEN '' "+
		"WHEN definition ~* 'no[[:space:]]+schema[[:space:]]+binding' THEN 'late' ELSE 'bound' END "+
		"FROM pg_catalog.pg_views WHERE schemaname IN "+in+" AND viewname IN "+of, 3, func(row []string) {
		at := redshift.Relation{Schema: row[0], Name: row[1]}
		switch row[2] {
		case "late":
			w.kinds[at] = lateBinding
		case "bound":
			w.kinds[at] = boundView
		}
	})
}

// askGrants learns what was granted explicitly to those who matter, and all columns where some of them have grants.
func (w *warehouse) askGrants(ctx context.Context, a *asker, identities []Identity, in, of string) {
	matter := map[string]bool{}
	for _, i := range identities {
		for _, member := range w.circle(i) {
			matter[member.Name] = true
		}
	}
	some := map[string]bool{}
	for _, names := range a.lists(matter) {
		what := " WHERE privilege_type = 'SELECT' AND namespace_name IN " + in + " AND relation_name IN " + of +
			" AND (identity_type = 'public' OR identity_name IN " + names + ")"
		a.maybe(ctx, "SELECT namespace_name, relation_name, identity_type, identity_name "+
			"FROM pg_catalog.svv_relation_privileges"+what, 4, func(row []string) {
			w.selects[permission{redshift.Relation{Schema: row[0], Name: row[1]}, identity(row[2], row[3])}] = true
		})
		a.maybe(ctx, "SELECT namespace_name, relation_name, identity_type, identity_name, column_name "+
			"FROM pg_catalog.svv_column_privileges"+what, 5, func(row []string) {
			put(w.columns, permission{redshift.Relation{Schema: row[0], Name: row[1]}, identity(row[2], row[3])}, row[4])
			some[row[1]] = true
		})
	}
	for _, of := range a.lists(some) {
		w.askColumns(ctx, a, in, of)
	}
}

func (w *warehouse) askColumns(ctx context.Context, a *asker, in, of string) {
	a.rows(ctx, "SELECT n.nspname, c.relname, a.attname FROM pg_catalog.pg_attribute a "+
		"JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "+
		"WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname IN "+in+" AND c.relname IN "+of, 3, func(row []string) {
		put(w.all, redshift.Relation{Schema: row[0], Name: row[1]}, row[2])
	})
}

// askUsers learns what the leader's own functions say of users. They find a relation only where the login itself may use
// its schema, and fail elsewhere.
func (w *warehouse) askUsers(ctx context.Context, a *asker, who, in, of string) {
	a.rows(ctx, "SELECT u.usename, n.nspname FROM pg_catalog.pg_user u, pg_catalog.pg_namespace n "+
		"WHERE u.usename IN "+who+" AND n.nspname IN "+in+" AND has_schema_privilege(u.usename, n.nspname, 'usage')", 2,
		func(row []string) {
			w.usage[permission{redshift.Relation{Schema: row[1]}, Identity{User, row[0]}}] = true
		})
	a.rows(ctx, "SELECT u.usename, n.nspname, c.relname "+
		"FROM pg_catalog.pg_user u, pg_catalog.pg_class c, pg_catalog.pg_namespace n "+
		"WHERE n.oid = c.relnamespace AND c.relkind IN ('r', 'v', 'm') AND u.usename IN "+who+
		" AND n.nspname IN "+in+" AND c.relname IN "+of+" AND CASE WHEN has_schema_privilege(n.nspname, 'usage') "+
		"THEN has_table_privilege(u.usename, quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'select') "+
		"ELSE false END", 3,
		func(row []string) {
			w.selects[permission{redshift.Relation{Schema: row[1], Name: row[2]}, Identity{User, row[0]}}] = true
		})
}

// identity is what the SVV views call one.
func identity(kind, name string) Identity {
	if kind == string(everybody.Kind) {
		return everybody
	}
	return Identity{Kind(kind), name}
}

func put[K comparable](sets map[K]map[string]bool, at K, name string) {
	if sets[at] == nil {
		sets[at] = map[string]bool{}
	}
	sets[at][name] = true
}
