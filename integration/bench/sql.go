package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/redcache/redcache/internal/pgtest"
)

// psql is psql on a database, by one of its roles. Each statement is a transaction of its own. The source is reached
// through the relay, as by all.
func (w *world) psql(c *pgtest.Cluster, database, user string, statements ...string) (command, error) {
	dir, err := pgtest.BinDir()
	if err != nil {
		return command{}, err
	}
	secret := c.OwnerPassword
	if user == pgtest.Superuser {
		secret = c.SuperPassword
	}
	port := c.Port
	if c == w.source {
		port = w.relay.port()
	}
	cmd := command{
		name: filepath.Join(dir, "psql"), args: []string{"-X", "-q", "-v", "ON_ERROR_STOP=1"},
		env: []string{
			"PGHOST=" + c.Host, "PGPORT=" + strconv.Itoa(port), "PGDATABASE=" + database, "PGUSER=" + user,
			"PGPASSWORD=" + secret, "PGSSLMODE=disable",
		},
	}
	for _, statement := range statements {
		cmd.args = append(cmd.args, "-c", statement)
	}
	return cmd, nil
}

// byPsql makes a run of one statement in the cache, as an application's task would send it.
func (w *world) byPsql(user, statement string) func(context.Context) (outcome, error) {
	return func(ctx context.Context) (outcome, error) {
		cmd, err := w.psql(w.cache, w.cacheDB, user, statement)
		if err != nil {
			return outcome{}, err
		}
		took, err := cmd.run(ctx)
		return outcome{usage: took}, err
	}
}

// sqlPaths are the method's own: materialized views over dblink, and over a foreign table with a large fetch_size.
func (w *world) sqlPaths(ctx context.Context) ([]*path, string, error) {
	options := fmt.Sprintf("host '%s', port '%d', dbname '%s', sslmode 'disable', fetch_size '50000'",
		w.source.Host, w.relay.port(), w.sourceDB)
	mapping := fmt.Sprintf("CREATE USER MAPPING FOR %s SERVER plain OPTIONS (user '%[1]s', password '%s')",
		pgtest.Owner, w.source.OwnerPassword)
	err := execAll(ctx, w.cacheAdmin,
		"CREATE SCHEMA plain AUTHORIZATION "+pgtest.Owner,
		"CREATE SERVER plain FOREIGN DATA WRAPPER postgres_fdw OPTIONS ("+options+")",
		"GRANT USAGE ON FOREIGN SERVER plain TO "+pgtest.Owner,
		mapping,
		"CREATE FOREIGN TABLE plain.remote ("+namesAndTypes()+") SERVER plain OPTIONS (schema_name 'public', table_name 't')",
		"GRANT SELECT ON plain.remote TO "+pgtest.Owner)
	if err != nil {
		return nil, "", err
	}
	overDblink := fmt.Sprintf("SELECT %s FROM dblink('plain', 'SELECT %[1]s FROM public.t') AS t(%s)", names(), namesAndTypes())
	overFDW := "SELECT " + names() + " FROM plain.remote"
	paths := []*path{
		w.materialized("refresh", overDblink, ""),
		w.materialized("refresh-concurrently", overDblink, "CONCURRENTLY "),
		w.materialized("fdw-refresh", overFDW, ""),
	}
	paths[1].changed = levels
	return paths, "", nil
}

// materialized is a materialized view with a unique index, and its refresh.
func (w *world) materialized(name, query, how string) *path {
	view := "plain." + strings.ReplaceAll(name, "-", "_")
	p := &path{name: name, table: w.big, copy: view}
	p.setup = func(ctx context.Context) error {
		cmd, err := w.psql(w.cache, w.cacheDB, pgtest.Owner,
			"CREATE MATERIALIZED VIEW "+view+" AS "+query, "CREATE UNIQUE INDEX ON "+view+" (id)")
		if err != nil {
			return err
		}
		_, err = cmd.run(ctx)
		return err
	}
	p.run = w.byPsql(pgtest.Owner, "REFRESH MATERIALIZED VIEW "+how+view)
	return p
}
