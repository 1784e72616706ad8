package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// ErrNotReady means that schema redcache is missing or older than this program. Ready returns it.
var ErrNotReady = errors.New("the catalog is not ready")

// Writable checks that the database is no standby, where nothing can be refreshed.
func (s Store) Writable(ctx context.Context) error {
	var standby bool
	if err := s.db.QueryRow(ctx, `SELECT pg_catalog.pg_is_in_recovery()`).Scan(&standby); err != nil {
		return fmt.Errorf("ask whether the database is a standby: %w", err)
	}
	if standby {
		return infra.Standby()
	}
	return nil
}

// Ready checks that the catalog is this role's, see [Store.Owned], and exists in the version that this program was built
// for, or in a newer one.
func (s Store) Ready(ctx context.Context) error {
	if err := s.Owned(ctx); err != nil {
		return err
	}
	files, err := fs.Glob(sql.Migrations(), "*.sql")
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	var version int
	var exists bool
	err = s.db.QueryRow(ctx, `SELECT pg_catalog.to_regclass('redcache.schema_version') IS NOT NULL`).Scan(&exists)
	if err == nil && exists {
		const newest = `SELECT coalesce(max(version_id), 0)::integer FROM redcache.schema_version`
		err = s.db.QueryRow(ctx, newest).Scan(&version)
	}
	if err != nil {
		return infra.Hinted(fmt.Errorf("read version of schema redcache: %w", err),
			"The role of DATABASE_URL has to be the one that made schema redcache, or a member of it.")
	}
	if version < len(files) {
		return infra.Hinted(fmt.Errorf("%w: schema redcache has version %d, this program needs %d",
			ErrNotReady, version, len(files)), "Run `cachectl init`.")
	}
	return nil
}
