package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/sql"
)

// ErrRunOver is returned by FinishRun when the run is no longer running: somebody who got the lock since has
// marked it abandoned, so what it wrote must not be committed.
var ErrRunOver = errors.New("the run was marked abandoned by somebody else")

// StartRun writes that a run is running and returns its key. The caller holds the view's lock, so older runs of the
// view that still claim to run are marked abandoned; or the lock of the set for which the run is building: then older ones of that are.
func (s Store) StartRun(
	ctx context.Context, v View, strategy Strategy, whole bool, origin string, pid int, building bool,
) (run RunKey, err error) {
	rows, err := s.db.Query(ctx, sql.StartRun, pgx.NamedArgs{
		"view": v.ID, "generation": v.Generation, "strategy": strategy, "whole": whole, "origin": origin, "pid": pid, "building": building,
	})
	if err == nil {
		run, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[RunKey])
	}
	if err != nil {
		return RunKey{}, fmt.Errorf("start run of view %s: %w", v.Name, err)
	}
	return run, nil
}

// ResumeRun says that a run goes on in another transaction, and reports whether the run is still considered running.
func (s Store) ResumeRun(ctx context.Context, run RunKey, pid, attempts int) (bool, error) {
	tag, err := s.db.Exec(ctx, `
		UPDATE redcache.run SET pid = $3, attempts = $4 WHERE id = $1 AND started_at = $2 AND state = 'running'`,
		run.ID, run.StartedAt, pid, attempts)
	if err != nil {
		return false, fmt.Errorf("resume run %d: %w", run.ID, err)
	}
	return tag.RowsAffected() == 1, nil
}

// FinishRun writes that a run succeeded, what is now true of the view, and its watermark. It belongs into the
// transaction that wrote the rows.
func (s Store) FinishRun(ctx context.Context, run RunKey, o Outcome) (Run, error) {
	return s.finish(ctx, run, sql.FinishRun, pgx.NamedArgs{
		"run": run.ID, "started_at": run.StartedAt, "as_of": o.AsOf, "whole": o.Whole, "attempts": o.Attempts,
		"rows_read": o.RowsRead, "rows_inserted": o.RowsInserted, "rows_updated": o.RowsUpdated,
		"rows_deleted": o.RowsDeleted, "row_count": o.RowCount, "bytes_read": o.BytesRead,
		"watermark": o.Watermark, "generation": o.Generation, "published": o.Published,
		"strategy": o.Strategy, "transport": o.Transport, "waited": o.Waited, "reason": o.Reason,
		"modified": o.Modified, "content": o.Content, "set": zeronull.Int4(o.Set),
	})
}

// FinishUnchanged writes that the copy is proven to hold everything before asOf without having been read again.
func (s Store) FinishUnchanged(ctx context.Context, run RunKey, asOf time.Time, attempts int, reason string) (Run, error) {
	return s.finish(ctx, run, sql.FinishUnchanged, pgx.NamedArgs{
		"run": run.ID, "started_at": run.StartedAt, "as_of": asOf, "attempts": attempts, "reason": reason,
	})
}

// FinishUnready writes that nothing was read, since the source was not ready, as reason says, and when the view is due again.
func (s Store) FinishUnready(ctx context.Context, run RunKey, attempts int, reason string) (Run, error) {
	return s.finish(ctx, run, sql.FinishUnready, pgx.NamedArgs{
		"run": run.ID, "started_at": run.StartedAt, "attempts": attempts, "reason": reason,
	})
}

func (s Store) finish(ctx context.Context, run RunKey, query string, args pgx.NamedArgs) (Run, error) {
	runs, err := s.collectRuns(ctx, query, args)
	if err != nil {
		return Run{}, fmt.Errorf("finish run %d: %w", run.ID, err)
	}
	if len(runs) == 0 {
		return Run{}, fmt.Errorf("finish run %d: %w", run.ID, ErrRunOver)
	}
	return runs[0], nil
}

// Touch writes a run's row anew, as it is, and returns when that is on disk, with all that the server has logged before.
func (s Store) Touch(ctx context.Context, run RunKey) error {
	const same = `UPDATE redcache.run SET pid = pid WHERE id = $1 AND started_at = $2`
	if _, err := s.db.Exec(ctx, same, run.ID, run.StartedAt); err != nil {
		return fmt.Errorf("touch run %d: %w", run.ID, err)
	}
	return nil
}

// FailRun writes that a run failed or was canceled, why, and when it is due again.
// A run that builds for a set says nothing of the view.
func (s Store) FailRun(ctx context.Context, run RunKey, state RunState, cause error, attempts int, building bool) error {
	_, err := s.db.Exec(ctx, sql.FailRun, pgx.NamedArgs{
		"run": run.ID, "started_at": run.StartedAt, "state": state, "attempts": attempts,
		"error": infra.Message(cause), "hint": infra.Hint(cause), "public_error": redshift.Public(cause), "building": building,
	})
	if err != nil {
		return fmt.Errorf("record failure of run %d: %w", run.ID, err)
	}
	return nil
}

// Publish writes that readers see the generation that runs write to, as fresh as the last run has left it. It belongs
// into the transaction that points the view at it.
func (s Store) Publish(ctx context.Context, v View) error {
	_, err := s.db.Exec(ctx, sql.PublishView, v.ID)
	if err != nil {
		return fmt.Errorf("record generation of view %s: %w", v.Name, err)
	}
	return nil
}

// Unload writes that the generation which readers see, the view's, has all that the run loaded into another one, which
// is gone, and what that took. It belongs into the transaction that merged the two.
func (s Store) Unload(ctx context.Context, v View, run RunKey, o Outcome) error {
	_, err := s.db.Exec(ctx, sql.UnloadRun, pgx.NamedArgs{
		"run": run.ID, "started_at": run.StartedAt, "generation": v.Generation, "strategy": o.Strategy, "waited": o.Waited, "reason": o.Reason,
		"rows_inserted": o.RowsInserted, "rows_updated": o.RowsUpdated, "rows_deleted": o.RowsDeleted,
	})
	if err != nil {
		return fmt.Errorf("record generation of view %s: %w", v.Name, err)
	}
	return nil
}

// AddReason adds to what is out of the ordinary about a run, also of one that is over.
func (s Store) AddReason(ctx context.Context, run RunKey, text string) (Run, error) {
	const add = `
		UPDATE redcache.run SET reason = pg_catalog.concat_ws('; ', reason, $3::text) WHERE id = $1 AND started_at = $2`
	if _, err := s.db.Exec(ctx, add, run.ID, run.StartedAt, text); err != nil {
		return Run{}, fmt.Errorf("remark on run %d: %w", run.ID, err)
	}
	return s.Run(ctx, run)
}

// SkipRun writes that a view was not refreshed because somebody else was at it, and returns the run's key.
func (s Store) SkipRun(ctx context.Context, v View, strategy Strategy, origin, holder string) (RunKey, error) {
	var run RunKey
	err := s.db.QueryRow(ctx, `
		INSERT INTO redcache.run (view_id, generation, strategy, origin, state, holder, finished_at)
		VALUES ($1, $2, $3, $4, 'skipped', $5, clock_timestamp())
		RETURNING id, started_at`, v.ID, v.Generation, strategy, origin, holder).Scan(&run.ID, &run.StartedAt)
	if err != nil {
		return RunKey{}, fmt.Errorf("record skipped run of view %s: %w", v.Name, err)
	}
	return run, nil
}

// Notify tells listeners on channel redcache that a view has new rows.
func (s Store) Notify(ctx context.Context, v View) error {
	if _, err := s.db.Exec(ctx, `SELECT pg_catalog.pg_notify('redcache', $1)`, v.Name.String()); err != nil {
		return fmt.Errorf("notify of view %s: %w", v.Name, err)
	}
	return nil
}

// Tidy deletes all but the newest runs of a view, and says whether there are generations of it that nobody needs.
func (s Store) Tidy(ctx context.Context, v View, keepRuns int) (leftovers bool, err error) {
	err = s.db.QueryRow(ctx, sql.Tidy, v.ID, keepRuns).Scan(&leftovers)
	if err != nil {
		return false, fmt.Errorf("tidy up after view %s: %w", v.Name, err)
	}
	return leftovers, nil
}

// Forget deletes the rows of generations that are retired, and of which there is no relation any more.
func (s Store) Forget(ctx context.Context, v View) error {
	_, err := s.db.Exec(ctx, `
		DELETE FROM redcache.generation g
		WHERE g.view_id = $1 AND g.state = 'retired'
		  AND pg_catalog.to_regclass(pg_catalog.format('redcache_data.v%s_g%s', g.view_id, g.number)) IS NULL`, v.ID)
	if err != nil {
		return fmt.Errorf("forget old generations of view %s: %w", v.Name, err)
	}
	return nil
}

type runRow struct {
	Run
	Name
}

// Runs returns the newest runs first, of one view or, with viewID nil, of all.
func (s Store) Runs(ctx context.Context, viewID *int32, limit int) ([]Run, error) {
	return s.runs(ctx, limit, viewID, nil, nil)
}

// Run returns one run; pgx.ErrNoRows when it does not exist (any more).
func (s Store) Run(ctx context.Context, run RunKey) (Run, error) {
	runs, err := s.runs(ctx, 1, nil, &run.ID, &run.StartedAt)
	if err != nil {
		return Run{}, err
	}
	if len(runs) == 0 {
		return Run{}, fmt.Errorf("read run %d: %w", run.ID, pgx.ErrNoRows)
	}
	return runs[0], nil
}

func (s Store) runs(ctx context.Context, limit int, viewID *int32, id *int64, startedAt *time.Time) ([]Run, error) {
	runs, err := s.collectRuns(ctx, sql.Runs, viewID, id, limit, startedAt)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return runs, nil
}

// collectRuns reads the rows of a query that returns runs.
func (s Store) collectRuns(ctx context.Context, query string, args ...any) ([]Run, error) {
	rows, err := collect[runRow](ctx, s.db, query, args...)
	runs := make([]Run, len(rows))
	for i, row := range rows {
		runs[i] = row.Run
		runs[i].View = row.Name
	}
	return runs, err
}

// Scheduled returns when a schedule was last followed, by a worker or a Lambda; nil: never.
func (s Store) Scheduled(ctx context.Context) (at *time.Time, err error) {
	const last = `SELECT pg_catalog.max(r.started_at) FROM redcache.run r WHERE r.origin = ANY ('{worker,lambda}')`
	if err := s.db.QueryRow(ctx, last).Scan(&at); err != nil {
		return nil, fmt.Errorf("read when a schedule was last followed: %w", err)
	}
	return at, nil
}

// Due is a view whose time has come.
type Due struct {
	ViewID int32 `db:"id"`
	Name
	LinkID int32     // zero: it is local
	Since  time.Time `db:"next_due"`
}

// Due returns at most limit views that are due and that nobody is refreshing, without those in except. Links take
// turns, the longest overdue view of each first.
func (s Store) Due(ctx context.Context, except []int32, limit int) ([]Due, error) {
	if except == nil {
		except = []int32{}
	}
	due, err := collect[Due](ctx, s.db, sql.Due, except, limit, false)
	if err != nil {
		return nil, fmt.Errorf("find due views: %w", err)
	}
	return due, nil
}

// WholeRun is what it took to read all of a view.
type WholeRun struct {
	Rows int64
	Took time.Duration
}

// WholeRuns returns the newest one of each view, by its id, as far as there is one in its history.
func (s Store) WholeRuns(ctx context.Context) (map[int32]WholeRun, error) {
	rows, err := collect[struct {
		ID int32
		WholeRun
	}](ctx, s.db, `
		SELECT v.id, r.rows_read AS rows, r.finished_at - r.started_at AS took
		FROM redcache.view v
		CROSS JOIN LATERAL (
		    SELECT o.rows_read, o.finished_at, o.started_at FROM redcache.run o WHERE o.view_id = v.id AND o.state = 'succeeded' AND o.whole AND o.rows_read IS NOT NULL
		    ORDER BY o.id DESC LIMIT 1) r`)
	if err != nil {
		return nil, fmt.Errorf("read what whole reads have taken: %w", err)
	}
	runs := make(map[int32]WholeRun, len(rows))
	for _, row := range rows {
		runs[row.ID] = row.WholeRun
	}
	return runs, nil
}
