package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/sql"
)

// rightsProbes ask who can see, or do, more than cached views are for.
var rightsProbes = []probe{
	{"public-views", Rights, examinePublic},
	{"writable", Rights, examineWritable},
	{"extension-schema", Rights, examineStrangers},
	{"generations", Rights, examineBelow},
	{"link-users", Rights, examineLinkUsers},
}

// access is what a role was granted on an object.
type access struct {
	Kind    string // view, generation, catalog, schema or server
	Name    string // quoted where SQL needs it; of a server the name of its link
	LinkID  int32
	Grantee string
	Public  bool // the grantee is everybody
	Rights  []string
}

func (x *exam) access(ctx context.Context, kinds ...string) ([]access, error) {
	rows, err := x.tx.Query(ctx, sql.DoctorAccess)
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[access])
	if err != nil {
		return nil, fmt.Errorf("read grants: %w", err)
	}
	return slices.DeleteFunc(all, func(a access) bool {
		return !slices.Contains(kinds, a.Kind) || (a.LinkID != 0 && !x.examines(a.LinkID))
	}), nil
}

func (x *exam) examines(linkID int32) bool {
	_, found := x.rests[linkID]
	return found
}

func (a access) role() string {
	if a.Public {
		return a.Grantee
	}
	return sql.Ident(a.Grantee)
}

func (a access) revoke(rights, on string) string {
	return fmt.Sprintf("REVOKE %s ON %s FROM %s;", rights, sql.Pasted(on), a.role())
}

// examinePublic looks for views that everybody may read who can log in. Whether those who may read one may read its
// sources on Redshift too is another question: `cachectl grants audit` answers it.
func examinePublic(ctx context.Context, x *exam) ([]Check, error) {
	all, err := x.access(ctx, "view")
	if err != nil {
		return nil, err
	}
	var objections []Check
	for _, a := range all {
		if a.Public && slices.Contains(a.Rights, "SELECT") {
			objections = append(objections, warn("view "+a.Name, "PUBLIC may read it: everybody who can log in sees "+
				"what the link's login sees",
				a.revoke("SELECT", a.Name)+" Then grant it to the roles that need it."))
		}
	}
	return orOK(objections, x.all(), "none is open to PUBLIC"), nil
}

// writing are the rights by which somebody else could change what refreshes have written, or what they do next.
var writing = []string{"INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "CREATE"}

// examineWritable looks for roles that can change copies, which simple views let through, or the catalog, and with it
// the queries that the owner will run.
func examineWritable(ctx context.Context, x *exam) ([]Check, error) {
	all, err := x.access(ctx, "view", "generation", "catalog", "schema")
	if err != nil {
		return nil, err
	}
	var objections []Check
	for _, a := range all {
		rights := slices.DeleteFunc(slices.Clone(a.Rights), func(right string) bool {
			return !slices.Contains(writing, right)
		})
		if len(rights) == 0 {
			continue
		}
		list, on := strings.Join(rights, ", "), a.Name
		if a.Kind == "schema" {
			on = "SCHEMA " + a.Name
		}
		if a.Kind == "catalog" || a.Kind == "schema" || slices.Contains(a.Rights, "TRIGGER") {
			objections = append(objections, fail(a.Kind+" "+a.Name, a.Grantee+" has "+list+": it can change what "+
				"refreshes run as the owner",
				a.revoke(list, on)))
			continue
		}
		objections = append(objections, warn(a.Kind+" "+a.Name, a.Grantee+" has "+list+": it can change the copy, "+
			"until a refresh notices or not",
			a.revoke(list, on)))
	}
	return orOK(objections, cacheDatabase, "only the owner can change copies and catalog"), nil
}

// examineBelow looks for roles that may read generations. The next one is given their grants as well, for views that ask
// with their reader's rights; for anything else, the cached view is what is to be granted.
func examineBelow(ctx context.Context, x *exam) ([]Check, error) {
	all, err := x.access(ctx, "generation", "schema")
	if err != nil {
		return nil, err
	}
	var objections []Check
	for _, a := range all {
		switch {
		case a.Kind == "schema" && a.Name == "redcache_data" && slices.Contains(a.Rights, "USAGE"):
			objections = append(objections, warn("schema redcache_data", a.Grantee+" may use it; readers need the "+
				"cached views only",
				a.revoke("USAGE", "SCHEMA redcache_data")))
		case a.Kind == "generation" && slices.Contains(a.Rights, "SELECT"):
			objections = append(objections, warn("generation "+a.Name, a.Grantee+" may read it directly, past what guards the view",
				a.revoke("SELECT", a.Name)+" Grant the cached view instead."))
		}
	}
	return orOK(objections, cacheDatabase, "only the owner reads generations directly"), nil
}

type mapping struct {
	Link   string
	LinkID int32
	Public bool
	Role   string
}

// examineLinkUsers looks for roles that can query Redshift over a link by themselves.
func examineLinkUsers(ctx context.Context, x *exam) ([]Check, error) {
	all, err := x.access(ctx, "server")
	if err != nil {
		return nil, err
	}
	rows, err := x.tx.Query(ctx, sql.DoctorMappings)
	if err != nil {
		return nil, fmt.Errorf("read user mappings: %w", err)
	}
	mappings, err := pgx.CollectRows(rows, pgx.RowToStructByName[mapping])
	if err != nil {
		return nil, fmt.Errorf("read user mappings: %w", err)
	}
	var objections []Check
	for _, a := range all {
		c := warn("link "+a.Name, a.Grantee+" may use its foreign server, and query Redshift with a login of its own",
			a.revoke("USAGE", "FOREIGN SERVER "+sql.Ident("redcache_"+a.Name)))
		if a.Public {
			c.Result = Failed
		}
		objections = append(objections, c)
	}
	for _, m := range mappings {
		server := sql.Ident("redcache_" + m.Link)
		switch {
		case !x.examines(m.LinkID):
		case m.Public:
			objections = append(objections, fail("link "+m.Link, "its foreign server has a user mapping for PUBLIC: "+
				"whoever may use the server "+
				"has that login on Redshift", "DROP USER MAPPING FOR PUBLIC SERVER "+server+";"))
		default:
			objections = append(objections, warn("link "+m.Link, m.Role+" has a user mapping for its foreign server, "+
				"a login that nobody renews or watches",
				"DROP USER MAPPING FOR "+sql.Ident(m.Role)+" SERVER "+server+";"))
		}
	}
	return orOK(objections, cacheDatabase, "only the owner can use the links"), nil
}
