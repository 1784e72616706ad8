package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/catalog/migrate"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/need"
	"github.com/redcache/redcache/internal/pgtest"
)

// neighbours are a database, its owner to be, and somebody else who may log in.
type neighbours struct {
	db    *pgtest.Database
	pool  *pgxpool.Pool // the owner's
	admin *pgxpool.Pool
	evil  string // the other role
	login string // its URL
}

func withNeighbour(t *testing.T) *neighbours {
	t.Helper()
	return neighboursIn(t, pgtest.New(t))
}

func neighboursIn(t *testing.T, db *pgtest.Database) *neighbours {
	t.Helper()
	n := &neighbours{db: db, pool: db.Pool(t), admin: db.AdminPool(t), evil: "evil_" + db.Name}
	n.login = db.Cluster.URL(db.Name, n.evil, "evil")
	n.asAdmin(t, fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD 'evil'; GRANT CREATE ON DATABASE %s TO %[1]s`, n.evil, db.Name))
	return n
}

func (n *neighbours) asAdmin(t *testing.T, statements string) { run(t, n.admin, statements) }

func (n *neighbours) asEvil(t *testing.T, statements string) {
	run(t, pgtest.OpenPool(t, n.login), statements)
}

func run(t *testing.T, pool *pgxpool.Pool, statements string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statements); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

// before is what somebody else has done before there was a cache, and what of it must be named.
var before = []struct{ name, evil, admin, names string }{
	{name: "schema redcache", evil: `CREATE SCHEMA redcache`, names: "schema redcache belongs to role evil"},
	{name: "schema redcache_data", evil: `CREATE SCHEMA redcache_data`, names: "schema redcache_data belongs to role evil"},
	{
		name: "schema with a trap for whoever looks", names: "schema redcache belongs to role evil",
		evil: `CREATE SCHEMA redcache; GRANT ALL ON SCHEMA redcache TO PUBLIC;
			CREATE FUNCTION redcache.trap() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
			CREATE VIEW redcache.schema_version AS SELECT redcache.trap() AS version_id;
			GRANT ALL ON redcache.schema_version TO PUBLIC`,
	},
	{
		name: "table in the owner's schema", names: "relation redcache.schema_version belongs to role evil",
		admin: `CREATE SCHEMA redcache AUTHORIZATION redcache_owner; GRANT ALL ON SCHEMA redcache TO %[1]s`,
		evil:  `CREATE TABLE redcache.schema_version (version_id bigint); GRANT ALL ON redcache.schema_version TO PUBLIC`,
	},
	{
		name: "function in the owner's schema", names: "function redcache_data.f belongs to role evil",
		admin: `CREATE SCHEMA redcache_data AUTHORIZATION redcache_owner; GRANT CREATE ON SCHEMA redcache_data TO PUBLIC`,
		evil:  `CREATE FUNCTION redcache_data.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'`,
	},
	{
		name: "right to create", names: "may create in schema redcache",
		admin: `CREATE SCHEMA redcache AUTHORIZATION redcache_owner; GRANT CREATE ON SCHEMA redcache TO %[1]s`,
	},
	{
		name: "right of all to create", names: "PUBLIC may create in schema redcache_data",
		admin: `CREATE SCHEMA redcache AUTHORIZATION redcache_owner; GRANT CREATE ON SCHEMA redcache TO redcache_owner;
			CREATE SCHEMA redcache_data AUTHORIZATION redcache_owner; GRANT CREATE ON SCHEMA redcache_data TO PUBLIC`,
	},
}

func TestUp_RefusesWhatSomebodyElseHasMade(t *testing.T) {
	t.Parallel()
	for _, tt := range before {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := withNeighbour(t)
			if tt.admin != "" {
				n.asAdmin(t, strings.ReplaceAll(tt.admin, "%[1]s", n.evil))
			}
			if tt.evil != "" {
				n.asEvil(t, tt.evil)
			}
			_, err := migrate.Up(t.Context(), n.pool)
			if err == nil || !strings.Contains(err.Error(), tt.names) || infra.Hint(err) == "" {
				t.Errorf("got %v, hint %q, want %s", err, infra.Hint(err), tt.names)
			}
			var made bool
			err = n.admin.QueryRow(t.Context(), `SELECT to_regclass('redcache.view') IS NOT NULL`).Scan(&made)
			if err != nil || made {
				t.Errorf("the catalog was made, %v", err)
			}
		})
	}
}

// A login could make anybody a member of itself before PostgreSQL 15, and a superuser is a member of everybody.
// A superuser is a member of all roles, and before PostgreSQL 15 a login may make anybody a member of itself.
func TestUp_DoesNotTakeAMembershipForTrust(t *testing.T) {
	t.Parallel()
	withNeighbour(t).wantSchemaRefused(t)
}

func TestUp_DoesNotTakeASelfMadeMembershipForTrust(t *testing.T) {
	t.Parallel()
	servers, err := pgtest.ByMajor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if servers["14"] == "" {
		need.Missing(t, "PostgreSQL 14, which is not in REDCACHE_TEST_PGBIN_ALL; see scripts/postgres/install")
	}
	cluster := pgtest.StartFor(t, pgtest.Config{BinDir: servers["14"]})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := neighboursIn(t, &pgtest.Database{Cluster: cluster, Name: name, URL: cluster.OwnerURL(name)})
	n.asEvil(t, "GRANT "+n.evil+" TO "+pgtest.Owner)
	n.wantSchemaRefused(t)
}

// wantSchemaRefused wants a schema that the neighbour has made to be nobody's cache.
func (n *neighbours) wantSchemaRefused(t *testing.T) {
	t.Helper()
	n.asEvil(t, `CREATE SCHEMA redcache`)
	for who, pool := range map[string]*pgxpool.Pool{"member": n.pool, "superuser": n.admin} {
		_, err := migrate.Up(t.Context(), pool)
		if notOurs, ok := errors.AsType[*catalog.NotOursError](err); !ok || notOurs.Owner != n.evil {
			t.Errorf("%s: got %v, want a refusal that names %s", who, err, n.evil)
		}
	}
}

func TestUp_TakesAGroupsSchemaForItsOwn(t *testing.T) {
	t.Parallel()
	n := withNeighbour(t)
	n.asAdmin(t, strings.ReplaceAll(`CREATE ROLE %_team; GRANT %_team TO redcache_owner;
		CREATE SCHEMA redcache AUTHORIZATION %_team; GRANT CREATE ON SCHEMA redcache TO %_team`, "%", n.evil))
	if _, err := migrate.Up(t.Context(), n.pool); err != nil {
		t.Errorf("up: %v", err)
	}
	if err := catalog.In(n.pool).Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
}

// What a member of the owner makes belongs to the member: the owner could not touch it, and readers would be refused. With
// the owner's role it makes nothing of its own, also where it does not inherit the owner's rights.
func TestUp_AMemberHasToTakeTheOwnersRole(t *testing.T) {
	t.Parallel()
	n := withNeighbour(t)
	if _, err := migrate.Up(t.Context(), n.pool); err != nil {
		t.Fatal(err)
	}
	n.asAdmin(t, "GRANT redcache_owner TO "+n.evil)
	member := pgtest.OpenPool(t, n.login)
	refuses := func(what string, err error) {
		t.Helper()
		set := fmt.Sprintf(`ALTER ROLE "%s" SET role = "redcache_owner";`, n.evil)
		if err == nil || !strings.Contains(err.Error(), n.evil+" is a member of redcache_owner") || !strings.Contains(infra.Hint(err), set) {
			t.Errorf("%s: got %v (hint: %s), want a refusal, and %s", what, err, infra.Hint(err), set)
		}
	}
	_, err := migrate.Up(t.Context(), member)
	refuses("up", err)
	refuses("ready", catalog.In(member).Ready(t.Context()))

	n.asAdmin(t, fmt.Sprintf(`ALTER ROLE %[1]s NOINHERIT; ALTER ROLE %[1]s SET role = redcache_owner`, n.evil))
	inRole := pgtest.OpenPool(t, n.login)
	if _, err := migrate.Up(t.Context(), inRole); err != nil {
		t.Errorf("up with the owner's role: %v", err)
	}
	if err := catalog.In(inRole).Ready(t.Context()); err != nil {
		t.Errorf("ready with the owner's role: %v", err)
	}
}

// A dump may be restored in part, and a schema may be renamed or dropped: init says so, and what leads out does.
func TestUp_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, part := range []struct{ name, torn, names, hint, way string }{
		{
			"rows", `DELETE FROM redcache.schema_version`, "has its tables and not their rows",
			"DROP SCHEMA redcache, redcache_data CASCADE;", `DROP SCHEMA redcache, redcache_data CASCADE`,
		},
		{"data", `DROP SCHEMA redcache_data CASCADE`, "schema redcache_data is missing", "CREATE SCHEMA redcache_data;", `CREATE SCHEMA redcache_data`},
		{"renamed", `ALTER SCHEMA redcache_data RENAME TO other`, "schema redcache_data is missing", "RENAME TO redcache_data", `ALTER SCHEMA other RENAME TO redcache_data`},
	} {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			n := withNeighbour(t)
			if _, err := migrate.Up(t.Context(), n.pool); err != nil {
				t.Fatal(err)
			}
			run(t, n.pool, part.torn)
			wants := func(what string, err error) {
				t.Helper()
				if err == nil || !catalog.Unfit(err) || !strings.Contains(err.Error(), part.names) || !strings.Contains(infra.Hint(err), part.hint) {
					t.Errorf("%s: got %v (hint: %s), want %q and %q", what, err, infra.Hint(err), part.names, part.hint)
				}
			}
			_, err := migrate.Up(t.Context(), n.pool)
			wants("up", err)
			wants("ready", catalog.In(n.pool).Ready(t.Context()))
			run(t, n.pool, part.way)
			if _, err := migrate.Up(t.Context(), n.pool); err != nil {
				t.Errorf("up after %s: %v", part.way, err)
			}
			if err := catalog.In(n.pool).Ready(t.Context()); err != nil {
				t.Errorf("ready after %s: %v", part.way, err)
			}
		})
	}
}

func TestStore_ReadyRefusesWhatSomebodyElseHasAdded(t *testing.T) {
	t.Parallel()
	for _, change := range []struct{ admin, names string }{
		{`ALTER SCHEMA redcache OWNER TO %s`, "schema redcache belongs"},
		{`ALTER SCHEMA redcache_data OWNER TO %s`, "schema redcache_data belongs"},
		{`ALTER TABLE redcache.link OWNER TO %s`, "relation redcache.link belongs"},
		{`CREATE VIEW redcache.later AS SELECT 1; ALTER VIEW redcache.later OWNER TO %s`, "relation redcache.later belongs"},
		{
			`CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'; ALTER FUNCTION public.f() OWNER TO %s;
			CREATE TRIGGER t AFTER UPDATE ON redcache.state FOR EACH ROW EXECUTE FUNCTION public.f()`,
			"function public.f() of trigger t on redcache.state belongs",
		},
		{`CREATE TABLE redcache_data.v1_g2 (); ALTER TABLE redcache_data.v1_g2 OWNER TO %s`, "relation redcache_data.v1_g2 belongs"},
	} {
		t.Run(change.names, func(t *testing.T) {
			t.Parallel()
			n := withNeighbour(t)
			if _, err := migrate.Up(t.Context(), n.pool); err != nil {
				t.Fatal(err)
			}
			n.asAdmin(t, fmt.Sprintf(change.admin, n.evil))
			err := catalog.In(n.pool).Ready(t.Context())
			if !errors.As(err, new(*catalog.NotOursError)) || !strings.Contains(err.Error(), change.names) {
				t.Errorf("got %v, want %s", err, change.names)
			}
		})
	}
}
