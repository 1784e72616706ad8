package redshiftsim

import (
	"context"
	"embed"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed sql/*.sql
var files embed.FS

// Prepare installs the types and functions of Redshift into the engine's database, which its superuser's URL names.
// Doing it again changes nothing. The engine is PostgreSQL 14 or later: 13 has no role that may read everything.
func Prepare(ctx context.Context, engineURL string) error {
	conn, err := pgx.Connect(ctx, engineURL)
	if err != nil {
		return fmt.Errorf("connect to engine: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var version int
	err = conn.QueryRow(ctx, "SELECT pg_catalog.current_setting('server_version_num')::int").Scan(&version)
	if err != nil {
		return fmt.Errorf("read engine version: %w", err)
	}
	if version < 140000 {
		return fmt.Errorf("engine is PostgreSQL %d: the stand-in needs 14 or later", version/10000)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("prepare engine: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // without effect after the commit
	// Two at once would collide in the catalogs.
	if _, err := tx.Exec(ctx, "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtext('redshiftsim'))"); err != nil {
		return fmt.Errorf("prepare engine: %w", err)
	}
	for _, name := range []string{"types.sql", "functions.sql", "hash.sql", "tables.sql", "plan.sql", "views.sql", "privileges.sql", "dialect.sql", "typing.sql"} {
		text, err := files.ReadFile("sql/" + name)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, string(text)); err != nil {
			return fmt.Errorf("prepare engine: %s: %w", name, err)
		}
	}
	return tx.Commit(ctx)
}
