package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// Writable checks that the database is no standby, where nothing can be refreshed, and that what is written to the catalog
// runs nothing of a stranger's.
func (s Store) Writable(ctx context.Context) error {
	var standby bool
	var trap *string
	if err := s.db.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery(), (`+sql.Traps+`)`).Scan(&standby, &trap); err != nil {
		return fmt.Errorf("ask whether the database takes writes: %w", err)
	}
	if standby {
		return infra.Standby()
	}
	return trapped(trap)
}

func trapped(trap *string) error {
	if trap == nil {
		return nil
	}
	return infra.Hinted(fmt.Errorf("there is %s, and whatever is written there would run it as the owner of the cache", *trap),
		"Drop the trigger, and take the right to make one from whoever made it: REVOKE ALL ON ALL TABLES IN SCHEMA redcache FROM …;")
}

// Ready checks that the catalog is this role's, see [Store.Owned], and exists in the version that this program was built
// for.
func (s Store) Ready(ctx context.Context) error {
	if err := s.Owned(ctx); err != nil {
		return err
	}
	if err := s.usable(ctx); err != nil {
		return err
	}
	return s.Current(ctx)
}

// errTorn means that a part of the cache is not there.
var errTorn = errors.New("the cache is not whole")

// Whole checks that what belongs to a version of the catalog is there: a dump may have been restored in part, and a schema
// been renamed or dropped. Version 0 is that of a database without a catalog.
func (s Store) Whole(ctx context.Context, version int) error {
	var tables, data bool
	err := s.db.QueryRow(ctx, `SELECT pg_catalog.to_regclass('redcache.view') IS NOT NULL,
		pg_catalog.to_regnamespace('redcache_data') IS NOT NULL`).Scan(&tables, &data)
	switch {
	case err != nil:
		return fmt.Errorf("look for the schemas of the cache: %w", err)
	case version == 0 && tables:
		return infra.Hinted(fmt.Errorf("%w: schema redcache has its tables and not their rows, as after a restore of the "+
			"schema alone", errTorn), "Restore the rows too; or begin anew: DROP SCHEMA redcache, redcache_data CASCADE; "+
			"and `cachectl init`. That drops the published views as well.")
	case version > 0 && !data:
		return infra.Hinted(fmt.Errorf("%w: schema redcache_data is missing", errTorn), "If somebody has renamed it, ALTER "+
			"SCHEMA … RENAME TO redcache_data; if it is gone, CREATE SCHEMA redcache_data; as the owner of the cache. The next "+
			"refresh of each view makes its rows again.")
	}
	return nil
}

// errRevoked means that the owner has not got the rights that it had.
var errRevoked = errors.New("somebody has revoked the owner's rights")

// Unfit says whether an error of [Store.Ready] is about the cache, which somebody has to put right, and not about the way
// to it, which may come back by itself.
func Unfit(err error) bool {
	for _, unfit := range []error{ErrNotReady, ErrNewer, errTorn, errRevoked} {
		if errors.Is(err, unfit) {
			return true
		}
	}
	return errors.As(err, new(*NotOursError)) || errors.As(err, new(*MemberError))
}

// usable checks that nobody has revoked from the owner what it needs to work in its own schemas.
func (s Store) usable(ctx context.Context) error {
	var schema, role *string
	err := s.db.QueryRow(ctx, `
		SELECT pg_catalog.min(n.nspname::text), pg_catalog.min(pg_catalog.quote_ident(current_user::text))
		FROM pg_catalog.pg_namespace n
		WHERE n.nspname = 'redcache' AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
		   OR n.nspname = 'redcache_data' AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE')
		                                           AND pg_catalog.has_schema_privilege(n.oid, 'CREATE'))`).Scan(&schema, &role)
	if err != nil {
		return fmt.Errorf("look at the rights on the schemas of the cache: %w", err)
	}
	if schema == nil {
		return nil
	}
	return infra.Hinted(fmt.Errorf("%w on schema %s", errRevoked, *schema),
		fmt.Sprintf("As the owner: GRANT ALL ON SCHEMA %s TO %s;", *schema, sql.Pasted(*role)))
}
