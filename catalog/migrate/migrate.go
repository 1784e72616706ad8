// Package migrate makes and updates the catalog's schema. It stands apart from package catalog so that programs that
// only use the catalog do not link the migration library.
//
// Two that migrate at once take turns: the first holds an advisory lock in a transaction of its own until it is done,
// and the second then finds nothing to do. Each migration runs in its own transaction, so a failure leaves the
// schema at the last version that worked, and running again goes on from there.
package migrate

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

const versionTable = "redcache.schema_version"

// patience is how long one migration waits for another to finish.
const patience = 2 * time.Minute

// Migration is one step of the schema.
type Migration struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
	SQL     string `json:"sql"`
}

// Up brings the schema to the newest version and returns the migrations that it applied; none when it was there.
func Up(ctx context.Context, pool *pgxpool.Pool) (applied []Migration, err error) {
	limits := infra.Limits{Lock: patience, Idle: -1}
	err = infra.InTx(ctx, pool, limits, func(tx pgx.Tx) error {
		// The catalog of schemas and our schema's name: a key that only somebody who wants this schema would take.
		const lock = `SELECT pg_catalog.pg_advisory_xact_lock('pg_catalog.pg_namespace'::regclass::oid::integer,
		                                                      pg_catalog.hashtext('redcache'))`
		if _, err := tx.Exec(ctx, lock); err != nil {
			return fmt.Errorf("wait for another migration: %w", err)
		}
		// Not IF NOT EXISTS alone: that asks for the right to create schemas even when there is nothing to create.
		const schema = `DO $$ BEGIN IF to_regnamespace('redcache') IS NULL THEN CREATE SCHEMA redcache; END IF; END $$`
		if _, err := pool.Exec(ctx, schema); err != nil {
			return fmt.Errorf("create schema redcache: %w", err)
		}
		applied, err = up(ctx, pool)
		return err
	})
	return applied, err
}

func up(ctx context.Context, pool *pgxpool.Pool) ([]Migration, error) {
	provider, err := provider(pool)
	if err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate schema redcache: %w", err)
	}
	var applied []Migration
	for _, result := range results {
		m, err := read(result.Source)
		if err != nil {
			return nil, err
		}
		applied = append(applied, m)
	}
	return applied, nil
}

// Pending returns the migrations that Up would apply, and changes nothing.
func Pending(ctx context.Context, pool *pgxpool.Pool) ([]Migration, error) {
	version, err := Version(ctx, pool)
	if err != nil {
		return nil, err
	}
	provider, err := provider(pool)
	if err != nil {
		return nil, err
	}
	var pending []Migration
	for _, source := range provider.ListSources() {
		if source.Version <= version {
			continue
		}
		m, err := read(source)
		if err != nil {
			return nil, err
		}
		pending = append(pending, m)
	}
	return pending, nil
}

// Version returns the version of the schema; zero when there is none.
func Version(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	var version int64
	var exists bool
	err := pool.QueryRow(ctx, `SELECT pg_catalog.to_regclass($1) IS NOT NULL`, versionTable).Scan(&exists)
	if err == nil && exists {
		err = pool.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM `+versionTable).Scan(&version)
	}
	if err != nil {
		return 0, fmt.Errorf("read version of schema redcache: %w", err)
	}
	return version, nil
}

func provider(pool *pgxpool.Pool) (*goose.Provider, error) {
	store, err := database.NewStore(database.DialectPostgres, versionTable)
	if err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", err)
	}
	p, err := goose.NewProvider("", stdlib.OpenDBFromPool(pool), sql.Migrations(), goose.WithStore(store))
	if err != nil {
		return nil, fmt.Errorf("prepare migrations: %w", err)
	}
	return p, nil
}

func read(source *goose.Source) (Migration, error) {
	text, err := fs.ReadFile(sql.Migrations(), source.Path)
	if err != nil {
		return Migration{}, fmt.Errorf("read migration %s: %w", source.Path, err)
	}
	return Migration{
		Version: source.Version,
		Name:    strings.TrimSuffix(source.Path, ".sql"),
		SQL:     strings.TrimSpace(strings.ReplaceAll(string(text), "-- +goose Up\n", "")),
	}, nil
}
