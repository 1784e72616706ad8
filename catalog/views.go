package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// viewRow is a view beside its link, whose columns have names of their own where both have one.
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

// Views returns all views by name, each with its link.
func (s Store) Views(ctx context.Context) ([]View, error) { return s.views(ctx, nil, nil) }

// View returns one view; a *NotFoundError when there is none of that name.
func (s Store) View(ctx context.Context, name Name) (View, error) {
	views, err := s.views(ctx, &name.Schema, &name.View)
	if err != nil {
		return View{}, err
	}
	if len(views) == 1 {
		return views[0], nil
	}
	return View{}, s.missing(ctx, name)
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

func (s Store) views(ctx context.Context, schema, name *string) ([]View, error) {
	rows, err := collect[viewRow](ctx, s.db, sql.Views, schema, name)
	if err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	views := make([]View, len(rows))
	for i, row := range rows {
		views[i] = row.view()
	}
	return views, nil
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
