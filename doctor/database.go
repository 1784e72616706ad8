package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// databaseProbes ask what must be true before there can be a catalog.
var databaseProbes = []probe{
	{"version", Database, examineVersion},
	{"primary", Database, examinePrimary},
	{"extensions", Database, examineExtensions},
	{"own-rights", Database, examineOwnRights},
	{"statement-recording", Database, examineRecording},
	{"process-clock", Database, examineProcessClock},
	{"catalog", Database, examineCatalog},
}

// The major versions that the product is tested with.
const (
	oldest = 13
	newest = 18
)

func examineVersion(ctx context.Context, x *exam) ([]Check, error) {
	var number int
	var name string
	err := x.tx.QueryRow(ctx, `
		SELECT pg_catalog.current_setting('server_version_num')::integer,
		       pg_catalog.current_setting('server_version')`).Scan(&number, &name)
	if err != nil {
		return nil, fmt.Errorf("read version: %w", err)
	}
	return []Check{judgeVersion(number/10000, name)}, nil
}

func judgeVersion(major int, name string) Check {
	said := "PostgreSQL " + name
	switch {
	case major < oldest:
		return fail(cacheDatabase, said+" is too old", fmt.Sprintf("Upgrade to %d or newer, up to %d.", oldest, newest))
	case major > newest:
		return warn(cacheDatabase, said+" is newer than what this build was tested with",
			fmt.Sprintf("Look for a newer build of Redcache; this one knows %d to %d.", oldest, newest))
	}
	return ok(cacheDatabase, "%s", said)
}

func examinePrimary(ctx context.Context, x *exam) ([]Check, error) {
	var standby bool
	if err := x.tx.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery()`).Scan(&standby); err != nil {
		return nil, fmt.Errorf("ask for recovery: %w", err)
	}
	if standby {
		return []Check{fail(cacheDatabase, "this server is a standby: nothing can be refreshed on it",
			"Have DATABASE_URL name the primary (on Aurora the cluster's writer endpoint, on RDS the instance, not a "+
				"replica).")}, nil
	}
	return []Check{ok(cacheDatabase, "a primary")}, nil
}

func examineExtensions(ctx context.Context, x *exam) ([]Check, error) {
	schema, err := dblink.Extensions(ctx, x.tx)
	missing := (*dblink.MissingExtensionError)(nil)
	switch {
	case errors.As(err, &missing):
		return []Check{fail(cacheDatabase, missing.Error(), missing.Hint())}, nil
	case errors.Is(err, dblink.ErrNotUTF8):
		return []Check{fail(cacheDatabase, err.Error(),
			"Make another database, with ENCODING 'UTF8' TEMPLATE template0; the encoding of one that exists cannot "+
				"be changed.")}, nil
	case err != nil:
		return nil, err
	}
	return []Check{ok(cacheDatabase, "dblink (in schema %s) and postgres_fdw can be used", schema)}, nil
}

// examineOwnRights asks for what the role needs beside the extensions: it makes schemas, and a temporary table on the
// way of a password, and it has to own what `cachectl init` made.
func examineOwnRights(ctx context.Context, x *exam) ([]Check, error) {
	var role, database, owners string
	var super, creates, temporary, ready bool
	err := x.tx.QueryRow(ctx, sql.DoctorOwnRights).Scan(&role, &database, &super, &creates, &temporary, &ready, &owners)
	if err != nil {
		return nil, fmt.Errorf("read rights: %w", err)
	}
	about := "role " + role
	grant := func(right string) string {
		return fmt.Sprintf("GRANT %s ON DATABASE %s TO %s;", right, sql.Ident(database), sql.Ident(role))
	}
	var objections []Check
	if owners != "" {
		objections = append(objections, fail(about, "schema redcache or redcache_data belongs to "+owners,
			"Have DATABASE_URL name that role, the one that made schema redcache; or make "+role+" a member of it, and let it "+
				"take its role (ALTER ROLE … SET role = …)."))
	}
	if !temporary {
		objections = append(objections, fail(about, "it may not make temporary tables, over which a link's password "+
			"travels",
			grant("TEMPORARY")))
	}
	switch {
	case !creates && !ready:
		objections = append(objections, fail(about, "it may not make schemas, which `cachectl init` "+
			"does", grant("CREATE")))
	case !creates:
		objections = append(objections, warn(about, "it may not make schemas: `cachectl add-view` fails for a schema "+
			"that "+
			"does not exist", grant("CREATE")))
	}
	if super {
		objections = append(objections, warn(about, "it is a superuser: whoever has its login can do anything on "+
			"this server",
			"Have an ordinary role own the catalog; the README shows which rights it needs."))
	}
	return orOK(objections, about, "it has the rights that it needs, and is no superuser"), nil
}

func examineRecording(ctx context.Context, x *exam) ([]Check, error) {
	err := dblink.CheckRecorders(ctx, x.tx)
	if errors.Is(err, dblink.ErrPasswordExposed) {
		return []Check{fail(cacheDatabase, err.Error()+"; links can neither be made nor get a new "+
			"password", infra.Hint(err))}, nil
	}
	if err != nil {
		return nil, err
	}
	return []Check{ok(cacheDatabase, "no setting records statements within statements; a link's password is in no "+
		"other")}, nil
}

func examineCatalog(ctx context.Context, x *exam) ([]Check, error) {
	err := catalog.In(x.tx).Ready(ctx)
	if errors.Is(err, catalog.ErrNotReady) || errors.Is(err, catalog.ErrNewer) {
		finding := strings.TrimPrefix(err.Error(), catalog.ErrNotReady.Error()+": ")
		return []Check{fail(cacheDatabase, finding, infra.Hint(err))}, nil
	}
	if err != nil {
		return nil, err
	}
	return []Check{ok(cacheDatabase, "the catalog is as this program needs it")}, nil
}
