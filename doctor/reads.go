package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// examineVacuum looks for generations that nobody cleans: refreshes that change rows leave dead ones behind.
func examineVacuum(ctx context.Context, x *exam) ([]Check, error) {
	found, err := readSettings(ctx, x.tx, "autovacuum", "track_counts")
	if err != nil {
		return nil, err
	}
	var objections []Check
	for _, name := range []string{"autovacuum", "track_counts"} {
		if found[name].Value == "off" {
			objections = append(objections, fail(cacheDatabase, name+" is off: dead rows of refreshes are never "+
				"removed, and reads get slower",
				"Set "+name+" = on for the server."))
		}
	}
	rows, err := x.tx.Query(ctx, `
		SELECT g.view_id
		FROM redcache.generation g
		JOIN pg_catalog.pg_class c ON c.relname = pg_catalog.format('v%s_g%s', g.view_id, g.number)
		                          AND c.relnamespace = 'redcache_data'::regnamespace
		CROSS JOIN LATERAL pg_catalog.pg_options_to_table(c.reloptions) o
		WHERE g.state = 'published' AND o.option_name = 'autovacuum_enabled' AND NOT o.option_value::boolean
		ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("read options of generations: %w", err)
	}
	switched, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("read options of generations: %w", err)
	}
	named := x.byID()
	for _, id := range switched {
		v, known := named[id]
		if !known || v.Generation == nil {
			continue
		}
		kind := "TABLE"
		if v.View.Materialized() {
			kind = "MATERIALIZED VIEW"
		}
		objections = append(objections, warn(aboutView(v), "autovacuum is off for its rows: dead ones are never "+
			"removed",
			fmt.Sprintf("ALTER %s %s RESET (autovacuum_enabled);", kind, v.View.RelationSQL(*v.Generation))))
	}
	return orOK(objections, x.all(), "autovacuum looks after all of them"), nil
}

// reads is what PostgreSQL counted on a generation.
type reads struct {
	ViewID  int32
	Scans   int64 // of the relation and of its indexes
	Runs    int   // that wrote to it since
	Indexes int
	Watched *time.Duration // for how long it counts
}

// examineUnread looks for views that nobody reads. PostgreSQL counts scans, and does not say whose. Refreshes scan too,
// so a view counts as unread only if it was scanned no more often than its refreshes must have done by themselves; one
// whose refreshes change many rows, by their index, is never said to be unread. Neither is one that was watched too
// shortly: counters begin anew with each generation, and so with each swap.
func examineUnread(ctx context.Context, x *exam) ([]Check, error) {
	rows, err := x.tx.Query(ctx, sql.DoctorReads)
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[reads])
	if err != nil {
		return nil, fmt.Errorf("read statistics: %w", err)
	}
	named := x.byID()
	judged := 0
	var objections []Check
	for _, r := range all {
		v, known := named[r.ViewID]
		if !known || v.View.CheckStored() != nil || v.View.Rowless() || r.Watched == nil || *r.Watched < x.cfg.Watched {
			continue
		}
		judged++
		if r.Scans <= r.ownScans(v.View) {
			objections = append(objections, warn(aboutView(v), fmt.Sprintf(
				"nobody seems to read it: in %s it was scanned %s, no more than its %s and their indexes explain",
				brief(*r.Watched), count(r.Scans, "time", "times"), count(r.Runs, "refresh", "refreshes")),
				"Ask who needs it. "+infra.Command("cachectl", "drop-view", v.View.Name.String())+
					", or a longer --every, saves what it costs."))
		}
	}
	return orOK(objections, x.all(), "%d of them were watched for long enough, and none seems unread", judged), nil
}

// ownScans is how often a generation was scanned without any reader: to build its indexes and find its last watermark,
// and by each run.
func (r reads) ownScans(v catalog.View) int64 {
	return int64(r.Indexes) + 1 + int64(r.Runs)*r.scansOfRun(v)
}

// scansOfRun is how often a run that changes no row scans the generation; a test holds that.
func (r reads) scansOfRun(v catalog.View) int64 {
	t, _ := v.Strategy.Traits()
	scans := t.Scans.Always + t.Scans.Index*r.Indexes
	if len(v.Key) > 0 {
		scans += t.Scans.Keyed
	}
	return int64(scans)
}
