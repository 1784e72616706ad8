package doctor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// viewProbes ask how the views fare.
var viewProbes = []probe{
	{"view-failures", Views, examineFailures},
	{"view-stale", Views, examineStale},
	{"view-empty", Views, examineEmpty},
	{"view-published", Views, examinePublished},
	{"view-unfinished", Views, examineUnfinished},
	{"view-grantees", Views, examineGrantees},
	{"view-overdue", Views, examineOverdue},
	{"view-indexes", Views, examineIndexes},
	{"view-future", Views, examineFuture},
	{"view-vacuum", Views, examineVacuum},
	{"view-unread", Views, examineUnread},
}

const aMinute = time.Minute

func aboutView(v catalog.Status) string { return "view " + v.View.Name.String() }

func (x *exam) all() string { return count(len(x.views), "view", "views") }

// examineDefinition looks for a definition that another version of Redcache, or somebody by hand, has stored.
func examineDefinition(v catalog.Status) *Check {
	alter := infra.Command("cachectl", "alter-view", v.View.Name.String())
	cannot, no := errors.AsType[*catalog.InvalidError](v.View.CheckStored())
	would, not := errors.AsType[*catalog.InvalidError](v.View.Validate())
	var c Check
	switch {
	case no && v.View.Unreadable != nil:
		c = fail(aboutView(v), "it cannot be refreshed: "+cannot.Problem, cannot.Fix)
	case no:
		c = fail(aboutView(v), "it cannot be refreshed: "+cannot.Problem,
			"Another version of Redcache has defined it. Use that one, or "+alter+": "+cannot.Fix+".")
	case not && v.Failures == 0:
		c = warn(aboutView(v), "it is refreshed, and its definition contradicts itself: "+would.Problem, alter+": "+would.Fix+".")
	default:
		return nil
	}
	return &c
}

func examineFailures(_ context.Context, x *exam) ([]Check, error) {
	var objections []Check
	for _, v := range x.views {
		if c := examineDefinition(v); c != nil {
			objections = append(objections, *c)
			continue
		}
		if v.Failures == 0 {
			continue
		}
		finding, fix := "its last refresh failed", ""
		if v.Failures > 1 {
			finding = fmt.Sprintf("its last %d refreshes failed", v.Failures)
		}
		if v.LastRun != nil && v.LastRun.Error != nil {
			finding += ": " + *v.LastRun.Error
		}
		if v.LastRun != nil && v.LastRun.Hint != nil {
			fix = *v.LastRun.Hint
		}
		if fix == "" {
			fix = infra.Command("cachectl", "runs", v.View.Name.String()) + " shows all of them."
		}
		objections = append(objections, fail(aboutView(v), finding, fix))
	}
	return orOK(objections, x.all(), "no refresh has failed since the last that succeeded"), nil
}

func examineEmpty(_ context.Context, x *exam) ([]Check, error) {
	var objections []Check
	for _, v := range x.views {
		if v.Generation == nil && v.View.Unreadable == nil {
			objections = append(objections, warn(aboutView(v), "it was never refreshed: who reads it gets an error",
				infra.Command("cachectl", "refresh", v.View.Name.String())))
		}
	}
	return orOK(objections, x.all(), "all of them have been refreshed"), nil
}

// examineOverdue looks for schedules that nobody follows. A worker tells itself by its application_name; a Lambda is
// connected only while it works.
func examineOverdue(ctx context.Context, x *exam) ([]Check, error) {
	var names []string
	for _, v := range x.overdue(0) {
		if rest := x.rests[v.View.Link.ID]; rest.RestUntil == nil || !rest.RestUntil.After(x.now) {
			names = append(names, v.View.Name.String())
		}
	}
	workers, _, err := countWorkers(ctx, x.tx)
	if err != nil {
		return nil, err
	}
	connected := count(workers, "worker is", "workers are") + " connected"
	if len(names) == 0 {
		return []Check{ok(x.all(), "none is overdue by more than a minute; %s", connected)}, nil
	}
	late := fmt.Sprintf("%s overdue by more than a minute: %s", count(len(names), "view is", "views are"), some(names))
	if workers == 0 {
		return []Check{fail(cacheDatabase, late+"; no worker is connected", "Start a worker; or see whether the "+
			"Lambdas run, if they do the work.")}, nil
	}
	return []Check{warn(cacheDatabase, late+"; "+connected+" and behind",
		"`cachectl locks` shows what they are at. Raise REDCACHE_CONCURRENCY or the link's --max-concurrency, or "+
			"refresh less often.")}, nil
}

type indexing struct {
	ViewID      int32
	Relation    string
	NoKey       bool
	NoWatermark bool
	Invalid     []string
}

// examineIndexes looks for indexes that a definition asks for and a generation lacks, since somebody dropped them.
func examineIndexes(ctx context.Context, x *exam) ([]Check, error) {
	rows, err := x.tx.Query(ctx, sql.DoctorIndexes)
	if err != nil {
		return nil, fmt.Errorf("read indexes: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[indexing])
	if err != nil {
		return nil, fmt.Errorf("read indexes: %w", err)
	}
	named := x.byID()
	var objections []Check
	for _, i := range found {
		v, known := named[i.ViewID]
		if !known {
			continue
		}
		on := sql.Ident(catalog.DataSchema, i.Relation)
		if i.NoKey {
			objections = append(objections, fail(aboutView(v), "its key has no valid unique index, by which "+
				"refreshes compare and write rows",
				"CREATE UNIQUE INDEX CONCURRENTLY ON "+on+" ("+identList(v.View.Key)+");"))
		}
		if i.NoWatermark {
			objections = append(objections, warn(aboutView(v), "its watermark has no valid index: refreshes and the "+
				"search for its end read everything",
				"CREATE INDEX CONCURRENTLY ON "+on+" ("+sql.Ident(v.View.Watermark)+");"))
		}
		for _, name := range i.Invalid {
			objections = append(objections, warn(aboutView(v), "index "+name+" is not valid: it costs every write, "+
				"and serves nobody",
				"DROP INDEX "+sql.Pasted(name)+"; then make it again."))
		}
	}
	return orOK(objections, x.all(), "keys and watermarks have their indexes"), nil
}

func identList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = sql.Ident(name)
	}
	return strings.Join(quoted, ", ")
}

func (x *exam) byID() map[int32]catalog.Status {
	views := make(map[int32]catalog.Status, len(x.views))
	for _, v := range x.views {
		views[v.View.ID] = v
	}
	return views
}

// tomorrow is by how much a row may be ahead of the clock before somebody is asked why.
const tomorrow = 5 * time.Minute

// examineFuture looks for watermarks that are ahead of the clock: timestamps without a time zone that hold the local
// time of somewhere east, or rows with a wrong date. They are read each time anew, and safety lags do not see them.
func examineFuture(ctx context.Context, x *exam) ([]Check, error) {
	var batch pgx.Batch
	var asked []catalog.Status
	for _, v := range x.views {
		if v.Generation != nil && v.View.WatermarkType().Order == redshift.Moments {
			batch.Queue("SELECT extract(epoch FROM pg_catalog.max(" + sql.Ident(v.View.Watermark) + "))::double " +
				"precision FROM " +
				v.View.RelationSQL(*v.Generation))
			asked = append(asked, v)
		}
	}
	var objections []Check
	results := x.tx.SendBatch(ctx, &batch)
	var failure error
	for _, v := range asked {
		var newest *float64
		if failure = results.QueryRow().Scan(&newest); failure != nil {
			failure = fmt.Errorf("read watermark of view %s: %w", v.View.Name, failure)
			break
		}
		if newest == nil || math.IsInf(*newest, 0) {
			continue
		}
		if ahead := time.UnixMicro(int64(*newest * 1e6)).Sub(x.now); ahead > tomorrow {
			objections = append(objections, warn(aboutView(v), fmt.Sprintf("its newest row is %s in the future by "+
				"%s: such rows are "+
				"read again at each refresh", brief(ahead), v.View.Watermark),
				"Correct the rows on Redshift, or, where the column holds local time, convert it to UTC in the query."))
		}
	}
	if err := errors.Join(failure, results.Close()); err != nil {
		return nil, err
	}
	these := count(len(asked), "watermark in time", "watermarks in time")
	return orOK(objections, these, "none is ahead of the clock"), nil
}
