package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// ErrSetGone means that a set is not there any more, or not whole.
var ErrSetGone = infra.Hinted(errors.New("what was being built is gone: somebody has dropped a view of it meanwhile, or has taken it "+
	"for left behind by a process that has ended"), "Nothing has changed. Try again.")

// BeginSet notes that definitions are being built that are to take effect together, and returns the number of the set. It is
// nobody's business until [Store.PublishSet].
func (s Store) BeginSet(ctx context.Context, what NewSet) (set int32, err error) {
	const begin = `INSERT INTO redcache.set (keep, undo) VALUES ($1, coalesce($2::jsonb, '[]')) RETURNING id`
	if err := s.db.QueryRow(ctx, begin, what.Keep, what.Undo).Scan(&set); err != nil {
		return 0, fmt.Errorf("begin set: %w", err)
	}
	return set, nil
}

// Prepare stores what a view is to be when the set takes effect, with the view's generation; a view without an id is added.
// It returns the view with its id; an *ExistsError when the name is taken.
func (s Store) Prepare(ctx context.Context, set int32, v View) (View, error) {
	v.LinkName = v.Link.Name
	args := v.args()
	args["set"] = set
	err := s.db.QueryRow(ctx, sql.PrepareView, args).Scan(&v.ID, &v.CreatedAt, &v.ChangedAt)
	if violates(err, "view_name_is_unique") {
		return v, &ExistsError{Kind: "view", Name: v.Name.String()}
	}
	if err != nil {
		return v, v.notStored(err)
	}
	return v, nil
}

// notStored is why a view could not be stored.
func (v View) notStored(err error) error {
	if violates(err, "generation_link_id_fkey") {
		return &NotFoundError{Kind: "link", Name: v.Link.Name, Gone: true}
	}
	return fmt.Errorf("store view %s: %w", v.Name, err)
}

// Prepared returns the views of a set by id, as it is to make them, each with what is true of the view now; or, once the set has
// filled its generation, of that.
func (s Store) Prepared(ctx context.Context, set int32) ([]Member, error) {
	rows, err := s.views(ctx, nil, nil, nil, &set)
	if err != nil {
		return nil, err
	}
	filled, err := collect[filledRow](ctx, s.db, `
		SELECT view_id, number, row_count, reconciled_at, watermark, modified, content, CASE WHEN pg_catalog.isfinite(as_of) THEN as_of END AS as_of
		FROM redcache.generation WHERE set_id = $1 AND state = 'filled'`, set)
	if err != nil {
		return nil, fmt.Errorf("read what set %d has filled: %w", set, err)
	}
	all := members(rows)
	for i := range all {
		for _, f := range filled {
			if f.ViewID == all[i].View.ID && f.Number == all[i].View.Generation {
				f.state(&all[i])
			}
		}
	}
	return all, nil
}

// filledRow is what is true of a generation that a set has filled.
type filledRow struct {
	ViewID       int32
	Number       int32
	RowCount     *int64
	AsOf         *time.Time
	ReconciledAt *time.Time
	Watermark    *string
	Modified     *string
	Content      *string
}

// state is that of a view whose runs go on with what the set has filled.
func (f filledRow) state(m *Member) {
	to := &m.State
	to.Loaded, to.LoadedBy = &f.Number, m.View.Built()
	to.RowCount, to.AsOf, to.ReconciledAt = f.RowCount, f.AsOf, f.ReconciledAt
	to.Watermark, to.Modified, to.Content = f.Watermark, f.Modified, f.Content
}

// TouchSet says that somebody is still at it, and may say nothing more for so long, beside what everybody may; [ErrSetGone] when
// it is gone.
func (s Store) TouchSet(ctx context.Context, set int32, silent time.Duration) error {
	const touch = `UPDATE redcache.set SET touched_at = clock_timestamp() + $2::interval WHERE id = $1 AND published_at IS NULL`
	tag, err := s.db.Exec(ctx, touch, set, silent)
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrSetGone
	}
	if err != nil {
		return fmt.Errorf("set %d: %w", set, err)
	}
	return nil
}

// PublishSet writes that so many views of a set point at what was built for them. It belongs into the transaction that has
// readers see it.
func (s Store) PublishSet(ctx context.Context, set int32, views int) error {
	rows, err := s.db.Query(ctx, sql.PublishSet, set)
	var done []int32
	if err == nil {
		done, err = pgx.CollectRows(rows, pgx.RowTo[int32])
	}
	if err == nil && len(done) != views {
		err = ErrSetGone
	}
	if err != nil {
		return fmt.Errorf("record set %d: %w", set, err)
	}
	return nil
}

// HandOver puts the definitions of a set in force, whose rows are there and cannot be shown to readers yet: that is left to
// the next runs of its views.
func (s Store) HandOver(ctx context.Context, set int32) error {
	if _, err := s.db.Exec(ctx, sql.HandOver, set); err != nil {
		return fmt.Errorf("record set %d: %w", set, err)
	}
	return nil
}

// DropSet deletes a set that has not taken effect, with the views that it was to add. Its relations are dropped before.
func (s Store) DropSet(ctx context.Context, set int32) error {
	if _, err := s.db.Exec(ctx, sql.DropSet, set); err != nil {
		return fmt.Errorf("delete set %d: %w", set, err)
	}
	return nil
}

// LeftBehind returns the sets that have not taken effect, and of which nobody has said for so long that he is at it. Whether
// somebody is all the same, the set's lock says.
func (s Store) LeftBehind(ctx context.Context, silent time.Duration) ([]int32, error) {
	rows, err := s.db.Query(ctx, `
		SELECT s.id FROM redcache.set s
		WHERE s.published_at IS NULL AND s.touched_at <= clock_timestamp() - $1::interval ORDER BY s.id`, silent)
	var sets []int32
	if err == nil {
		sets, err = pgx.CollectRows(rows, pgx.RowTo[int32])
	}
	if err != nil {
		return nil, fmt.Errorf("look for sets that were left behind: %w", err)
	}
	return sets, nil
}

// Pending says whether a set is there, and has not taken effect. Until the end of the transaction that stays so.
func (s Store) Pending(ctx context.Context, set int32) (pending bool, err error) {
	const ask = `SELECT count(*) > 0 FROM (SELECT FROM redcache.set WHERE id = $1 AND published_at IS NULL FOR UPDATE) s`
	if err := s.db.QueryRow(ctx, ask, set).Scan(&pending); err != nil {
		return false, fmt.Errorf("look for set %d: %w", set, err)
	}
	return pending, nil
}

// TookEffect says whether a set has taken effect.
func (s Store) TookEffect(ctx context.Context, set int32) (did bool, err error) {
	const ask = `SELECT EXISTS (SELECT FROM redcache.set WHERE id = $1 AND published_at IS NOT NULL)`
	if err := s.db.QueryRow(ctx, ask, set).Scan(&did); err != nil {
		return false, fmt.Errorf("look for set %d: %w", set, err)
	}
	return did, nil
}
