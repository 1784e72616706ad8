package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/sql"
)

// workerConnections is what a worker opens when nothing else is said: two for each of 4 refreshes, and two.
const workerConnections = 10

// crowded is the share of connections, in percent, above which there is hardly room for a burst.
const crowded = 80

// room is one limit of connections.
type room struct {
	Name  string // of the limit, in words
	Limit int
	Used  int
}

// examineConnections holds the limits of connections against what is open and what workers may still open.
func examineConnections(ctx context.Context, x *exam) ([]Check, error) {
	rows, err := x.tx.Query(ctx, sql.DoctorConnections)
	if err != nil {
		return nil, fmt.Errorf("read limits of connections: %w", err)
	}
	rooms, err := pgx.CollectRows(rows, pgx.RowToStructByName[room])
	if err != nil {
		return nil, fmt.Errorf("read limits of connections: %w", err)
	}
	workers, growth, err := countWorkers(ctx, x.tx)
	if err != nil {
		return nil, err
	}
	var objections []Check
	var said []string
	for _, r := range rooms {
		said = append(said, fmt.Sprintf("%d of %d (%s)", r.Used, r.Limit, r.Name))
		if c := r.judge(workers, growth); c.Result != OK {
			objections = append(objections, c)
		}
	}
	return orOK(objections, cacheDatabase, "open now: %s; %s, which may open %d more",
		strings.Join(said, ", "), count(workers, "worker", "workers"), growth), nil
}

func (r room) judge(workers, growth int) Check {
	free := r.Limit - r.Used
	state := fmt.Sprintf("%d of %d connections are open (%s)", r.Used, r.Limit, r.Name)
	const remedy = "Close what is not needed, put a pooler before it, lower REDCACHE_CONCURRENCY or " +
		"REDCACHE_MAX_CONNS, or raise the limit."
	switch {
	case free < needed:
		return fail(cacheDatabase, fmt.Sprintf("%s, and a refresh needs %d", state, needed), remedy)
	case free < growth:
		who := count(workers, "worker", "workers")
		return warn(cacheDatabase, fmt.Sprintf("%s, and %s may open %d more", state, who, growth), remedy)
	case 100*r.Used > crowded*r.Limit:
		return warn(cacheDatabase, state, remedy)
	}
	return Check{Result: OK}
}

// countWorkers counts the workers that are connected, by their application_name, and how many connections they would
// open before each has what a worker opens by default. How many it really may, only its own configuration says.
func countWorkers(ctx context.Context, tx pgx.Tx) (workers, growth int, err error) {
	err = tx.QueryRow(ctx, `
		SELECT count(*), coalesce(sum(greatest($1 - w.sessions, 0)), 0)
		FROM (SELECT count(*) AS sessions
		      FROM pg_catalog.pg_stat_activity a
		      WHERE a.datname = pg_catalog.current_database() AND a.application_name LIKE 'redcache worker%'
		      GROUP BY a.application_name) w`, workerConnections).Scan(&workers, &growth)
	if err != nil {
		return 0, 0, fmt.Errorf("count workers: %w", err)
	}
	return workers, growth, nil
}
