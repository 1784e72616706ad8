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

// viewRow is a view beside its link and its state, whose columns have names of their own where the view has the same.
type viewRow struct {
	View
	Name
	LinkName       string
	Host           string
	HostAddr       string `db:"hostaddr"`
	Port           int
	Database       string
	User           string `db:"username"`
	SSLMode        string `db:"sslmode"`
	SSLRootCert    string `db:"sslrootcert"`
	MaxConcurrency int
	LinkCreatedAt  time.Time

	Seen         *int32
	Loaded       *int32
	AsOf         *time.Time
	ReconciledAt *time.Time
	NextDue      *time.Time
	Failures     int
	RowCount     *int64
	Mark         *string
	Now          time.Time
}

func (r viewRow) view() View {
	v := r.View
	v.Name = r.Name
	v.Link = Link{
		ID: r.LinkID, Name: r.LinkName, Host: r.Host, HostAddr: r.HostAddr, Port: r.Port, Database: r.Database,
		User: r.User, SSLMode: r.SSLMode, SSLRootCert: r.SSLRootCert, MaxConcurrency: r.MaxConcurrency,
		CreatedAt: r.LinkCreatedAt,
	}
	return v
}

func (r viewRow) state() State {
	return State{
		Generation: r.Seen, Loaded: r.Loaded, AsOf: r.AsOf, ReconciledAt: r.ReconciledAt, NextDue: r.NextDue,
		Failures: r.Failures, RowCount: r.RowCount, Watermark: r.Mark, Now: r.Now,
	}
}

// Views returns all views by name, each with its link.
func (s Store) Views(ctx context.Context) ([]View, error) {
	rows, err := s.views(ctx, nil, nil)
	views := make([]View, len(rows))
	for i, row := range rows {
		views[i] = row.view()
	}
	return views, err
}

// View returns one view; a *NotFoundError when there is none of that name.
func (s Store) View(ctx context.Context, name Name) (View, error) {
	v, _, err := s.ViewAndState(ctx, name)
	return v, err
}

// Stub returns what a refresh has to know of a view before it has its lock: name, id and timeout; a *NotFoundError when
// there is none of that name.
func (s Store) Stub(ctx context.Context, name Name) (View, error) {
	v := View{Name: name}
	err := s.db.QueryRow(ctx, `SELECT id, timeout FROM redcache.view WHERE schema_name = $1 AND view_name = $2`,
		name.Schema, name.View).Scan(&v.ID, &v.Timeout)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, s.missing(ctx, name)
	}
	if err != nil {
		return v, fmt.Errorf("look for view %s: %w", name, err)
	}
	return v, nil
}

// ViewAndState returns one view and what is true of it now; a *NotFoundError when there is none of that name.
func (s Store) ViewAndState(ctx context.Context, name Name) (View, State, error) {
	rows, err := s.views(ctx, &name.Schema, &name.View)
	if err != nil {
		return View{}, State{}, err
	}
	if len(rows) == 0 {
		return View{}, State{}, s.missing(ctx, name)
	}
	return rows[0].view(), rows[0].state(), nil
}

// missing is the error for a view that does not exist; it names one that is alike.
func (s Store) missing(ctx context.Context, name Name) error {
	all, err := collect[Name](ctx, s.db, `SELECT schema_name, view_name FROM redcache.view`)
	if err != nil {
		return fmt.Errorf("read view names: %w", err)
	}
	names := make([]string, len(all))
	for i, n := range all {
		names[i] = n.String()
	}
	return &NotFoundError{Kind: "view", Name: name.String(), Near: infra.Nearest(name.String(), names)}
}

func (s Store) views(ctx context.Context, schema, name *string) ([]viewRow, error) {
	rows, err := collect[viewRow](ctx, s.db, sql.Views, schema, name)
	if err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	return rows, nil
}

// AddView stores a definition and returns it with its id; an *ExistsError when the name is taken. A view on a schedule
// is first due after dueIn.
func (s Store) AddView(ctx context.Context, v View, dueIn time.Duration) (View, error) {
	err := s.db.QueryRow(ctx, sql.AddView, v.Link.ID, v.Name.Schema, v.Name.View, v.Query, v.Columns, v.Strategy,
		nonNil(v.Key), v.Watermark, v.Lookback, v.SafetyLag, v.ReconcileEvery, v.RefreshEvery, v.MaxAge, v.Timeout,
		nonNil(v.Indexes), nonNil(v.Grantees), v.NulBytes, dueIn,
	).Scan(&v.ID, &v.Generation, &v.CreatedAt, &v.ChangedAt)
	if violates(err, "view_name_is_unique") {
		return v, &ExistsError{Kind: "view", Name: v.Name.String()}
	}
	if err != nil {
		return v, fmt.Errorf("store view %s: %w", v.Name, err)
	}
	v.LinkID = v.Link.ID
	return v, nil
}

// AlterView replaces a definition, its generation number included. A view on a schedule is next due after dueIn.
func (s Store) AlterView(ctx context.Context, v View, dueIn time.Duration) error {
	_, err := s.db.Exec(ctx, sql.AlterView, v.ID, v.Query, v.Columns, v.Strategy, nonNil(v.Key), v.Watermark,
		v.Lookback, v.SafetyLag, v.ReconcileEvery, v.RefreshEvery, v.MaxAge, v.Timeout, nonNil(v.Indexes),
		nonNil(v.Grantees), v.NulBytes, v.Generation, v.Link.ID, dueIn)
	if err != nil {
		return fmt.Errorf("store view %s: %w", v.Name, err)
	}
	return nil
}

// DropView deletes a definition with its history.
func (s Store) DropView(ctx context.Context, v View) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM redcache.view WHERE id = $1`, v.ID); err != nil {
		return fmt.Errorf("delete view %s: %w", v.Name, err)
	}
	return nil
}

// nonNil keeps an empty list from being stored as NULL.
func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
