package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/sql"
)

// replicationProbes ask for what a primary keeps, and does, for others.
var replicationProbes = []probe{
	{"replicas", Replication, examineReplicas},
	{"replication-slots", Replication, examineSlots},
}

// maxLag is how far behind a replica may be, as long as it is not by more log than max_wal_size either.
const maxLag = time.Minute

type replica struct {
	Name    string
	Hidden  bool
	Behind  int64 // bytes of log
	Lag     time.Duration
	Allowed int64
}

// examineReplicas looks for standbys whose readers see old rows, whatever the age of a view says.
func examineReplicas(ctx context.Context, x *exam) ([]Check, error) {
	rows, err := x.tx.Query(ctx, sql.DoctorReplicas)
	if err != nil {
		return nil, fmt.Errorf("read replicas: %w", err)
	}
	replicas, err := pgx.CollectRows(rows, pgx.RowToStructByName[replica])
	if err != nil {
		return nil, fmt.Errorf("read replicas: %w", err)
	}
	var objections []Check
	for _, r := range replicas {
		about := "replica " + r.Name
		switch {
		case r.Hidden:
			objections = append(objections, unknown(about, "this role may not see how far behind it is",
				"GRANT pg_read_all_stats to the role, as a superuser or a member of rds_superuser."))
		case r.Lag > maxLag || r.Behind > r.Allowed:
			objections = append(objections, warn(about, fmt.Sprintf("it is %s behind (%s of log): who reads there "+
				"sees older rows "+
				"than redcache.freshness says there", r.Lag.Round(time.Second), bytes(r.Behind)),
				"Look for long queries on the replica, and for views whose refreshes write everything: merge writes "+
					"only what "+
					"differs."))
		}
	}
	return orOK(objections, cacheDatabase, "%s, none far behind", count(len(replicas), "replica", "replicas")), nil
}

type slot struct {
	Name    string
	Active  bool
	Status  string
	Held    int64 // bytes of log
	Allowed int64
}

// examineSlots looks for slots that keep log which nobody fetches, until the disk is full.
func examineSlots(ctx context.Context, x *exam) ([]Check, error) {
	rows, err := x.tx.Query(ctx, sql.DoctorSlots)
	if err != nil {
		return nil, fmt.Errorf("read replication slots: %w", err)
	}
	slots, err := pgx.CollectRows(rows, pgx.RowToStructByName[slot])
	if err != nil {
		return nil, fmt.Errorf("read replication slots: %w", err)
	}
	var objections []Check
	for _, s := range slots {
		about := "replication slot " + s.Name
		drop := "Start who reads from it, or drop it as its owner: SELECT pg_drop_replication_slot(…). " +
			"max_slot_wal_keep_size " +
			"bounds what slots may keep."
		switch {
		case s.Status == "lost":
			objections = append(objections, warn(about, "the log that it needs is gone", drop))
		case s.Held > s.Allowed && !s.Active:
			objections = append(objections, warn(about, "nobody reads from it, and it "+
				"keeps "+bytes(s.Held)+" of log on the disk", drop))
		case s.Held > s.Allowed:
			objections = append(objections, warn(about, "its reader is slow, and it "+
				"keeps "+bytes(s.Held)+" of log on the disk", drop))
		}
	}
	found := count(len(slots), "replication slot", "replication slots")
	return orOK(objections, cacheDatabase, "%s, none keeping much", found), nil
}
