package main

import (
	"context"
	"strconv"

	"github.com/redcache/redcache/internal/redshiftsim"
)

// loginThroughStandIn is the login of the one path that needs what no relay can give a plain Postgres.
const loginThroughStandIn = "cache_ro_standin"

// skippedPath is a refresh of a view whose source has not changed: Redshift is asked when it last was, and no row is
// read. It is a swap, which would rewrite everything. SHOW TABLES, which tells, exists in the stand-in for Redshift
// only, so this path goes through it, to a table of its own that nothing changes.
func (w *world) skippedPath() *path {
	const view = "bi.skipped"
	still := &table{name: "public.t_still", rows: w.rows}
	p := &path{name: skipped, ours: true, table: still, copy: view, state: "unchanged", changed: []int{0}}
	p.setup = func(ctx context.Context) error {
		if err := still.load(ctx, w.sourceAdmin); err != nil {
			return err
		}
		if err := execAll(ctx, w.sourceAdmin, "SELECT redshift.track('"+still.name+"')"); err != nil {
			return err
		}
		if err := w.linkThroughStandIn(ctx); err != nil {
			return err
		}
		_, err := w.cachectl(ctx, "add-view", view, "--link", "standin", "--table", still.name, "--key", "id",
			"--strategy", "swap", "--transport", "stream", "--skip-unchanged", "modified")
		return err
	}
	p.run = func(ctx context.Context) (outcome, error) { return w.refresh(ctx, view) }
	return p
}

// linkThroughStandIn puts the stand-in for Redshift before the source, and makes a link to it.
func (w *world) linkThroughStandIn(ctx context.Context) (err error) {
	w.warehouse, err = redshiftsim.Start(ctx, redshiftsim.Config{
		EngineURL: w.source.AdminURL(w.sourceDB), Users: map[string]string{loginThroughStandIn: password}, AllowPlain: true,
	})
	if err != nil {
		return err
	}
	_, err = w.cachectl(ctx, "link", "add", "standin", "--host", w.warehouse.Host(), "--port",
		strconv.Itoa(w.warehouse.Port()), "--database", w.sourceDB, "--user", loginThroughStandIn,
		"--password-env", "DW_PASSWORD", "--sslmode", "disable")
	return err
}
