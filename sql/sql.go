// Package sql holds the statements of the catalog: the migrations that make it, in the order in which they run, and
// every query longer than a few lines.
//
// Migrations only go forward. A released one is never edited: a change is a new file.
package sql

import (
	"embed"
	"io/fs"
	"regexp"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations returns the migration files, named 00001_what_it_adds.sql and so on.
func Migrations() fs.FS {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return files
}

// Queries longer than a few lines, named for what they return or do.
var (
	//go:embed queries/views.sql
	views string
	//go:embed queries/add_view.sql
	AddView string
	//go:embed queries/alter_view.sql
	alterView string
	//go:embed queries/due.sql
	Due string
	//go:embed queries/output_reads.sql
	OutputReads string
	//go:embed queries/output_calls.sql
	OutputCalls string
	//go:embed queries/strangers.sql
	Strangers string
	//go:embed queries/output_physical.sql
	OutputPhysical string
	//go:embed queries/inputs.sql
	Inputs string
	//go:embed queries/claim.sql
	claim string
	//go:embed queries/ages.sql
	Ages string
	//go:embed queries/link_use.sql
	LinkUse string
	//go:embed queries/runs.sql
	runs string
	//go:embed queries/last_runs.sql
	lastRuns string
	//go:embed queries/status.sql
	Status string
	//go:embed queries/start_run.sql
	startRun string
	//go:embed queries/finish_run.sql
	finishRun string
	//go:embed queries/finish_unchanged.sql
	finishUnchanged string
	//go:embed queries/finish_unready.sql
	finishUnready string
	//go:embed queries/publish_view.sql
	PublishView string
	//go:embed queries/unload_run.sql
	UnloadRun string
	//go:embed queries/habits.sql
	Habits string
	//go:embed queries/fail_run.sql
	FailRun string
	//go:embed queries/open_transactions.sql
	OpenTransactions string
	//go:embed queries/mend_clock.sql
	MendClock string
	//go:embed queries/traps.sql
	Traps string
	//go:embed queries/restore_states.sql
	RestoreStates string
	//go:embed queries/tidy.sql
	Tidy string
	//go:embed queries/generations.sql
	Generations string
	//go:embed queries/owners.sql
	Owners string
	//go:embed queries/creators.sql
	Creators string
	//go:embed queries/relations.sql
	Relations string
	//go:embed queries/dependents.sql
	Dependents string
	//go:embed queries/mentioning_functions.sql
	MentioningFunctions string
	//go:embed queries/mentioning_statements.sql
	MentioningStatements string
	//go:embed queries/above.sql
	Above string
	//go:embed queries/prepare_view.sql
	prepareView string
	//go:embed queries/publish_set.sql
	publishSet string
	//go:embed queries/hand_over.sql
	handOver string
	//go:embed queries/pending_sets.sql
	pendingSets string
	//go:embed queries/drop_set.sql
	dropSet string
	//go:embed queries/readers.sql
	Readers string
	//go:embed queries/prepared.sql
	Prepared string
	//go:embed queries/published.sql
	published string
	//go:embed queries/carried.sql
	carried string
	//go:embed queries/grants_of.sql
	grantsOf string
)

// Claim is claim.sql, over what [Due] finds.
var Claim = strings.Replace(claim, "/* due.sql */", Due, 1)

// What leaves out the definitions that are not in force yet.
var (
	Views     = built(withinForce(views))
	AlterView = withKeptLineage(withinForce(alterView))

	PrepareView = withKeptLineage(prepareView)

	PublishSet = withinForce(publishSet)
	HandOver   = withinForce(handOver)

	PendingSets = built(pendingSets)
	DropSet     = built(dropSet)

	StartRun = built(building(startRun))
)

// withKeptLineage has a definition with the same query and columns keep what is known of them, in place of (/* kept lineage */).
func withKeptLineage(query string) string {
	return strings.Replace(query, "(/* kept lineage */)", `(SELECT k.lineage FROM redcache.view w
		JOIN redcache.generation k ON k.view_id = w.id AND k.number = w.generation
		WHERE w.id = @id AND k.columns = @columns::jsonb AND k.definition #> '{source,query}' = @definition::jsonb #> '{source,query}')`, 1)
}

// building says of a run, in place of (/* building r */), that it fills what a set makes that has not taken effect.
func building(query string) string {
	return regexp.MustCompile(`\(/\* building (\w+) \*/\)`).ReplaceAllString(query, `EXISTS (SELECT FROM redcache.generation b
		JOIN redcache.set p ON p.id = b.set_id AND p.published_at IS NULL JOIN redcache.view w ON w.id = b.view_id
		WHERE b.view_id = $1.view_id AND b.number = $1.generation AND (/* built b w */))`)
}

// built says of a generation whose set has not taken effect, in place of (/* built g v */), that it is one that the set makes:
// neither one that readers see, nor one that is in force beside others. Somebody may have written a set's number there.
func built(query string) string {
	return regexp.MustCompile(`\(/\* built (\w+) (\w+) \*/\)`).ReplaceAllString(query, `($1.state <> 'published' AND ($1.number <> $2.generation
		OR NOT EXISTS (SELECT FROM redcache.generation o WHERE o.view_id = $2.id AND o.set_id IS DISTINCT FROM $1.set_id)))`)
}

// withinForce leaves out what a set that has not taken effect yet is building, in place of (/* in force g */).
func withinForce(query string) string {
	return regexp.MustCompile(`\(/\* in force (\w+) \*/\)`).ReplaceAllString(query,
		`($1.set_id IS NULL OR $1.set_id NOT IN (SELECT p.id FROM redcache.set p WHERE p.published_at IS NULL))`)
}

// Queries that return runs.
var (
	Runs            = withRunColumns(runs)
	LastRuns        = withRunColumns(built(building(lastRuns)))
	FinishRun       = withRunColumns(withinForce(finishRun))
	FinishUnchanged = withRunColumns(finishUnchanged)
	FinishUnready   = withRunColumns(finishUnready)
)

// runColumns are the columns of a run, r, and the name of its view, v.
const runColumns = `r.id, r.view_id, v.schema_name, v.view_name, r.strategy, r.state, r.whole, r.generation, r.origin,
       r.application, r.pid, r.attempts, r.started_at, r.finished_at, r.as_of, r.rows_read, r.rows_inserted,
       r.rows_updated, r.rows_deleted, r.watermark, r.holder, r.error, r.public_error, r.hint, r.waited,
       r.bytes_read, r.transport, r.reason`

// withRunColumns writes the columns of a run in place of RUN_COLUMNS(r), by the name that the query gives it.
func withRunColumns(query string) string {
	return regexp.MustCompile(`RUN_COLUMNS\((\w+)\)`).ReplaceAllStringFunc(query, func(of string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(of, "RUN_COLUMNS("), ")")
		return regexp.MustCompile(`\br\.`).ReplaceAllString(runColumns, name+".")
	})
}

// Published is published.sql, over what carried.sql finds. That of all views has words of its own: a plan for one view or all of
// them is never good enough for one to be kept.
var (
	Published    = withGrants(strings.Replace(published, "/* carried */", carried, 1))
	AllPublished = strings.Replace(Published, "WHERE v.id = $1::integer", "", 1)
)

// withGrants writes the same words for each list of grants: that of an ACL whose owner is known.
func withGrants(query string) string {
	return regexp.MustCompile(`/\* grants of (\S+) (\S+) \*/`).ReplaceAllStringFunc(query, func(of string) string {
		words := strings.Fields(of)
		return strings.NewReplacer("/* acl */", words[3], "/* owner */", words[4]).Replace(grantsOf)
	})
}

// Remember writes what [Published] finds into the state of a view.
var Remember = `
	UPDATE redcache.state s
	SET published = p.decorations
	FROM (` + Published + `) p
	WHERE s.view_id = p.id AND p.at_home AND s.published IS DISTINCT FROM p.decorations`
