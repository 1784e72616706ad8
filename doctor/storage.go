package doctor

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// storageProbes ask whether what refreshes write has room.
var storageProbes = []probe{
	{"storage", Storage, examineStorage},
	{"temp-files", Storage, examineTempFiles},
	{"leftovers", Storage, examineLeftovers},
}

// need is the room that refreshes take beside what is there.
type need struct {
	all     int64 // of all generations that readers see, with indexes
	largest []catalog.Status
	peak    int64 // of as many of the largest views as can be refreshed at once
}

// needs adds up. Every strategy needs the size of its generation again, with its indexes, at some time: a swap and a
// changed definition for the next one, a nonconcurrent refresh for its new files, concurrent and merge for a temporary
// copy, incremental when it reads everything.
func (x *exam) needs() need {
	n := need{largest: slices.Clone(x.views)}
	slices.SortStableFunc(n.largest, func(a, b catalog.Status) int { return int(sign(sizeOf(b) - sizeOf(a))) })
	slots := 0
	for _, l := range x.links {
		slots += l.MaxConcurrency
	}
	for i, v := range n.largest {
		n.all += sizeOf(v)
		if i < slots {
			n.peak += sizeOf(v)
		}
	}
	n.largest = n.largest[:min(3, len(n.largest))]
	return n
}

func sizeOf(v catalog.Status) int64 {
	if v.Bytes == nil {
		return 0
	}
	return *v.Bytes
}

func sign(n int64) int64 { return max(-1, min(1, n)) }

func (n need) String() string {
	text := fmt.Sprintf("generations take %s; refreshed all at once, as far as links allow, they need %s more",
		bytes(n.all), bytes(n.peak))
	var names []string
	for _, v := range n.largest {
		if sizeOf(v) > 0 {
			names = append(names, v.View.Name.String()+" "+bytes(sizeOf(v)))
		}
	}
	if names != nil {
		text += " (largest: " + some(names) + ")"
	}
	return text
}

// examineStorage holds the storage of the instance against what is there and what refreshes need. SQL does not show
// how much is free; AWS tells how much there is.
func examineStorage(ctx context.Context, x *exam) ([]Check, error) {
	var used int64
	err := x.tx.QueryRow(ctx, `
		SELECT coalesce(sum(pg_catalog.pg_database_size(d.oid)), 0)::bigint
		FROM pg_catalog.pg_database d
		WHERE pg_catalog.has_database_privilege(d.oid, 'CONNECT')`).Scan(&used)
	if err != nil {
		return nil, fmt.Errorf("measure databases: %w", err)
	}
	n := x.needs()
	instance, err := x.instance()
	if strings.HasPrefix(instance.Engine, "aurora") {
		return []Check{ok(cacheDatabase, "%s; the databases take %s; Aurora's storage grows by "+
			"itself", n, bytes(used))}, nil
	}
	if err != nil {
		why := "how much is free is not known here: " + infra.Message(err)
		return []Check{unknown(cacheDatabase, fmt.Sprintf("%s; the databases take %s; %s", n, bytes(used), why),
			"Hold that against the free space; on RDS, FreeStorageSpace in CloudWatch.")}, nil
	}
	return []Check{judgeStorage(n, used, int64(instance.StorageGiB)<<30, int64(instance.MaxStorageGiB)<<30)}, nil
}

// judgeStorage knows the size of all databases, not that of logs and temporary files, so it wants some to spare.
func judgeStorage(n need, used, total, most int64) Check {
	const spare = 10 // percent of the storage, below which RDS itself warns
	said := fmt.Sprintf("%s; the databases take %s of %s", n, bytes(used), bytes(total))
	const remedy = "Raise the storage, let it grow by itself (MaxAllocatedStorage), or lower the links' " +
		"--max-concurrency so that fewer " +
		"refreshes run at once."
	switch left := max(total, most) - used; {
	case n.peak > left:
		return fail(cacheDatabase, said, remedy)
	case n.peak > left-max(total, most)*spare/100:
		return warn(cacheDatabase, said+", which leaves less than a tenth", remedy)
	}
	return ok(cacheDatabase, "%s", said)
}

// examineTempFiles holds temp_file_limit against the largest view: dblink spools a result into temporary files, and a
// merge keeps what it reads in a temporary table, which does not count.
func examineTempFiles(ctx context.Context, x *exam) ([]Check, error) {
	found, err := readSettings(ctx, x.tx, "temp_file_limit")
	if err != nil {
		return nil, err
	}
	kib, err := strconv.ParseInt(found["temp_file_limit"].Reset, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("read temp_file_limit: %w", err)
	}
	if kib < 0 {
		return []Check{ok(cacheDatabase, "temp_file_limit limits nothing: a query gone wrong can fill the disk, and "+
			"a refresh never fails for it")}, nil
	}
	var objections []Check
	for _, v := range x.views {
		if sizeOf(v) > kib<<10 && v.View.Transport != catalog.StreamTransport {
			objections = append(objections, warn("view "+v.View.Name.String(), fmt.Sprintf(
				"it takes %s, and temp_file_limit is %s: by dblink, which spools what it reads, a full refresh fails",
				bytes(sizeOf(v)), bytes(kib<<10)),
				"Have a superuser raise temp_file_limit for this role, or use --transport stream with swap, merge or "+
					"auto."))
		}
	}
	return orOK(objections, cacheDatabase, "temp_file_limit is %s, more than any view takes", bytes(kib<<10)), nil
}

type leftover struct {
	Name  string
	Bytes int64
	Held  []string // what keeps it from being dropped
}

// examineLeftovers looks for relations in redcache_data that neither readers see nor runs write to. The next refresh
// drops old generations that nobody uses; what belongs to no view stays for good.
func examineLeftovers(ctx context.Context, x *exam) ([]Check, error) {
	rows, err := x.tx.Query(ctx, sql.DoctorLeftovers)
	if err != nil {
		return nil, fmt.Errorf("look for leftovers: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[leftover])
	if err != nil {
		return nil, fmt.Errorf("look for leftovers: %w", err)
	}
	var objections []Check
	for _, l := range found {
		name := sql.Ident(catalog.DataSchema, l.Name)
		if len(l.Held) > 0 {
			objections = append(objections, warn("relation "+catalog.DataSchema+"."+l.Name, "no view of the cache shows it, it "+
				"takes "+bytes(l.Bytes)+", and it cannot be dropped because of "+strings.Join(l.Held, ", "),
				"Have that read the cached view instead, or drop it, or have it given back; the next refresh drops the relation then."))
			continue
		}
		objections = append(objections, warn("relation "+catalog.DataSchema+"."+l.Name, "no view shows it, and it "+
			"takes "+bytes(l.Bytes),
			"The next refresh of its view drops it, if it is an old generation. Where its view is gone: DROP "+
				"TABLE "+name+
				"; or DROP MATERIALIZED VIEW "+name+";"))
	}
	return orOK(objections, cacheDatabase, "no relation is left over"), nil
}
