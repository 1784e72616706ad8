package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/internal/redshiftsim/tickit"
)

// watch changes the source and shows how the copies follow, until ctx ends.
func (w *world) watch(ctx context.Context) error {
	cache, err := pgx.Connect(ctx, w.cacheURL)
	if err != nil {
		return fmt.Errorf("connect to cache: %w", err)
	}
	defer cache.Close(context.WithoutCancel(ctx))
	change, show := time.NewTicker(250*time.Millisecond), time.NewTicker(3*time.Second)
	defer change.Stop()
	defer show.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-change.C:
			_, err = tickit.Change(ctx, w.engine, 20)
		case <-show.C:
			err = w.show(ctx, cache)
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// show prints a line for each view: the rows of its query now, the rows of its copy, and how fresh that is.
func (w *world) show(ctx context.Context, cache *pgx.Conn) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "\n%s\tROWS IN REDSHIFT\tROWS IN CACHE\tAGE\tSTALE\tLAST RUN\n", time.Now().Format(time.TimeOnly))
	for _, v := range views {
		var source, copied int64
		var age time.Duration
		var stale bool
		var state string
		if err := w.engine.QueryRow(ctx, "SELECT count(*) FROM ("+v.query+") q").Scan(&source); err != nil {
			return fmt.Errorf("count rows of %s in the source: %w", v.name, err)
		}
		if err := cache.QueryRow(ctx, "SELECT count(*) FROM "+v.name).Scan(&copied); err != nil {
			return fmt.Errorf("count rows of %s in the cache: %w", v.name, err)
		}
		err := cache.QueryRow(ctx, "SELECT age, stale, last_state FROM redcache.freshness WHERE view = $1", v.name).
			Scan(&age, &stale, &state)
		if err != nil {
			return fmt.Errorf("read freshness of %s: %w", v.name, err)
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%.1fs\t%v\t%s\n", v.name, source, copied, age.Seconds(), stale, state)
	}
	return table.Flush()
}

// compare refreshes each view once more, now that the source is at rest, and holds it against its query.
func (w *world) compare(ctx context.Context) error {
	say("the source is at rest; refreshing once more, and comparing")
	if err := w.command(ctx, "cachectl", "refresh", "--all", "--full", "--wait", "30s").Run(); err != nil {
		return fmt.Errorf("cachectl refresh: %w", err)
	}
	if err := w.command(ctx, "cachectl", "list").Run(); err != nil {
		return fmt.Errorf("cachectl list: %w", err)
	}
	warehouseURL := w.warehouse.URL(w.warehouseDB, login, password)
	var differing []string
	for _, v := range append(slices.Clip(views), health) {
		source, err := lines(ctx, warehouseURL, v.query)
		if err != nil {
			return fmt.Errorf("read source of %s: %w", v.name, err)
		}
		copied, err := lines(ctx, w.cacheURL, "SELECT * FROM "+v.name)
		if err != nil {
			return fmt.Errorf("read %s: %w", v.name, err)
		}
		equal := slices.Equal(source, copied) && len(source) > 0
		fmt.Printf("%-25s %7d rows in Redshift, %7d in the cache: %s\n", v.name, len(source), len(copied),
			map[bool]string{true: "equal", false: "DIFFERENT"}[equal])
		if !equal {
			differing = append(differing, v.name)
		}
	}
	if differing != nil {
		return errors.New("copies differ from their source: " + strings.Join(differing, ", "))
	}
	return nil
}

// lines returns the rows of a query as sorted lines of text.
func lines(ctx context.Context, url, query string) ([]string, error) {
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	results, err := conn.Exec(ctx, query).ReadAll()
	if err != nil {
		return nil, err
	}
	var all []string
	for _, row := range results[len(results)-1].Rows {
		var line strings.Builder
		for _, value := range row {
			if value == nil {
				line.WriteString("NULL|")
			} else {
				fmt.Fprintf(&line, "%q|", value)
			}
		}
		all = append(all, line.String())
	}
	slices.Sort(all)
	return all, nil
}
