package main

import (
	"context"
	"fmt"

	"github.com/redcache/redcache/internal/pgtest"
)

// mimeoPaths are the two kinds of replication of the extension mimeo that can copy a table of Redshift's. The extension
// needs a superuser, and keeps the source's password in a table.
func (w *world) mimeoPaths(ctx context.Context) ([]*path, string, error) {
	var there bool
	err := w.cacheAdmin.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'mimeo')`).Scan(&there)
	if err != nil {
		return nil, "", fmt.Errorf("look for mimeo: %w", err)
	}
	if !there {
		return nil, "mimeo, which is not installed (on Debian: postgresql-15-mimeo)", nil
	}
	connection := fmt.Sprintf("host=%s port=%d dbname=%s sslmode=disable", w.source.Host, w.relay.port(), w.sourceDB)
	err = execAll(ctx, w.cacheAdmin,
		"CREATE SCHEMA mimeo", "CREATE EXTENSION mimeo SCHEMA mimeo", "CREATE SCHEMA snap", "CREATE SCHEMA updater",
		"GRANT USAGE ON SCHEMA snap, updater TO "+pgtest.Owner,
		fmt.Sprintf("INSERT INTO mimeo.dblink_mapping_mimeo (data_source, username, pwd) VALUES ('%s', '%s', '%s')",
			connection, pgtest.Owner, w.source.OwnerPassword))
	return []*path{w.mimeoSnap(), w.mimeoUpdater()}, "", err
}

const mimeoSource = "(SELECT max(data_source_id) FROM mimeo.dblink_mapping_mimeo)"

// mimeoSnap fills one of two tables in turn and points a view at it. Its check whether the source was written to at all
// reads Postgres's statistics, and is off.
func (w *world) mimeoSnap() *path {
	return &path{
		name: "mimeo-snap", table: w.big, copy: "snap.t",
		setup: func(ctx context.Context) error {
			return execAll(ctx, w.cacheAdmin,
				"SELECT mimeo.snapshot_maker('public.t', "+mimeoSource+"::int, 'snap.t', p_index := false)",
				"CREATE UNIQUE INDEX ON snap.t_snap1 (id)", "CREATE UNIQUE INDEX ON snap.t_snap2 (id)",
				"GRANT SELECT ON ALL TABLES IN SCHEMA snap TO "+pgtest.Owner)
		},
		run: w.byPsql(pgtest.Superuser, "SELECT mimeo.refresh_snap('snap.t', p_check_stats := false)"),
	}
}

// mimeoUpdater deletes and inserts what is past its watermark.
func (w *world) mimeoUpdater() *path {
	return &path{
		name: "mimeo-updater", table: w.big, copy: "updater.t", changed: levels,
		setup: func(ctx context.Context) error {
			return execAll(ctx, w.cacheAdmin,
				"SELECT mimeo.updater_maker('public.t', 'time', 'updated_at', "+mimeoSource+
					"::int, p_dest_table := 'updater.t', p_index := false, p_pk_name := ARRAY['id'], p_pk_type := ARRAY['bigint'])",
				"CREATE UNIQUE INDEX ON updater.t (id)",
				"GRANT SELECT ON updater.t TO "+pgtest.Owner)
		},
		run: w.byPsql(pgtest.Superuser, "SELECT mimeo.refresh_updater('updater.t')"),
	}
}
