package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// viewRow is a view with its link and what is true of its copy.
type viewRow struct {
	ID         int32
	Name       // schema_name, view_name
	Definition stored[Definition]
	Columns    stored[[]Column]
	Generation int32
	CreatedAt  time.Time
	ChangedAt  time.Time
	Link       *Link

	Seen             *int32
	SeenDefinition   *stored[Definition] // nil: nothing is seen, or what is has the definition that is in force
	SeenColumns      *stored[[]Column]
	Loaded           *int32
	LoadedDefinition *stored[Definition]
	LoadedColumns    *stored[[]Column]
	Lost             bool   // the row of the generation that the view points at is gone
	Misplaced        *int32 // the set, not in effect yet, that the generation in force is said to belong to
	Highest          int32

	AsOf         *time.Time
	ReconciledAt *time.Time
	NextDue      *time.Time
	Failures     int
	UnreadySince *time.Time
	RowCount     *int64
	Modified     *string
	Content      *string
	Watermark    *string
	Unstated     bool
	Now          time.Time
	Backend      int
	Version      int // of the catalog
}

func (r viewRow) view() View {
	v := View{
		ID: r.ID, Name: r.Name, Definition: r.Definition.value, Columns: r.Columns.value, Unreadable: r.unreadable(),
		Generation: r.Generation, CreatedAt: r.CreatedAt, ChangedAt: r.ChangedAt,
	}
	if r.Link != nil {
		v.Link = *r.Link
		v.LinkName = r.Link.Name
	}
	return v
}

func (r viewRow) state() State {
	return State{
		Generation: r.Seen, SeenBy: r.builtBy(r.Seen, r.SeenDefinition, r.SeenColumns),
		Loaded: r.Loaded, LoadedBy: r.builtBy(r.Loaded, r.LoadedDefinition, r.LoadedColumns), Highest: r.Highest,
		AsOf: r.AsOf, ReconciledAt: r.ReconciledAt, NextDue: r.NextDue, Failures: r.Failures, UnreadySince: r.UnreadySince, RowCount: r.RowCount,
		Watermark: r.Watermark, Modified: r.Modified, Content: r.Content, Now: r.Now, Backend: r.Backend, Lost: r.Unstated,
	}
}

// builtBy is what a generation was built by: most have the definition that is in force.
func (r viewRow) builtBy(generation *int32, definition *stored[Definition], columns *stored[[]Column]) Built {
	switch {
	case generation == nil:
		return Built{}
	case definition == nil:
		return Built{r.Definition.value, r.Columns.value}
	case definition.err != nil || columns.err != nil:
		return Built{} // of which nothing is known
	}
	return Built{definition.value, columns.value}
}

// Views returns all views by name, each with its link.
func (s Store) Views(ctx context.Context) ([]View, error) {
	rows, err := s.views(ctx, nil, nil, nil, nil)
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

// ViewID returns the id of a view, also of one that is only being added; a *NotFoundError when there is none of that name.
func (s Store) ViewID(ctx context.Context, name Name) (id int32, err error) {
	const ask = `SELECT id FROM redcache.view WHERE schema_name = $1 AND view_name = $2`
	err = s.db.QueryRow(ctx, ask, name.Schema, name.View).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, s.missing(ctx, name)
	}
	if err != nil {
		return 0, fmt.Errorf("look for view %s: %w", name, err)
	}
	return id, nil
}

// Member is a view of a group, or one on its own, with what is true of it now.
type Member struct {
	View  View
	State State
}

// Members returns a view and the others of its group, by id; a *NotFoundError when there is none of that name.
func (s Store) Members(ctx context.Context, name Name) ([]Member, error) {
	rows, err := s.views(ctx, &name.Schema, &name.View, nil, nil)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, s.missing(ctx, name)
	}
	if group := rows[0].Definition.value.Group; group != "" {
		if rows, err = s.views(ctx, nil, nil, &group, nil); err != nil {
			return nil, err
		}
	}
	return members(rows), nil
}

// GroupMembers returns the views of a group, by id.
func (s Store) GroupMembers(ctx context.Context, group string) ([]Member, error) {
	rows, err := s.views(ctx, nil, nil, &group, nil)
	return members(rows), err
}

// members are views with what is true of them, by id.
func members(rows []viewRow) []Member {
	list := make([]Member, len(rows))
	for i, row := range rows {
		list[i] = Member{row.view(), row.state()}
	}
	slices.SortFunc(list, func(a, b Member) int { return cmp.Compare(a.View.ID, b.View.ID) })
	return list
}

// Group returns the names of a group's views, by id; a *NotFoundError when there are none.
func (s Store) Group(ctx context.Context, group string) ([]Name, error) {
	rows, err := s.views(ctx, nil, nil, &group, nil)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, s.noGroup(ctx, group)
	}
	names := make([]Name, len(rows))
	for i, row := range rows {
		names[i] = row.Name
	}
	return names, nil
}

func (s Store) noGroup(ctx context.Context, group string) error {
	groups, err := collect[struct{ GroupName string }](ctx, s.db,
		`SELECT DISTINCT group_name FROM redcache.defined WHERE group_name <> ''`)
	if err != nil {
		return fmt.Errorf("read group names: %w", err)
	}
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.GroupName
	}
	return &NotFoundError{Kind: "group", Name: group, Near: infra.Nearest(group, names)}
}

// ViewAndState returns one view and what is true of it now; a *NotFoundError when there is none of that name.
func (s Store) ViewAndState(ctx context.Context, name Name) (View, State, error) {
	rows, err := s.views(ctx, &name.Schema, &name.View, nil, nil)
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
	all, err := collect[Name](ctx, s.db, `SELECT schema_name, view_name FROM redcache.defined`)
	if err != nil {
		return fmt.Errorf("read view names: %w", err)
	}
	names := make([]string, len(all))
	for i, n := range all {
		names[i] = n.String()
	}
	adding, err := s.Adding(ctx, name)
	if err != nil {
		return err
	}
	return &NotFoundError{Kind: "view", Name: name.String(), Near: infra.Nearest(name.String(), names), Adding: adding}
}

// views reads views: of a name, of a group, or all; with the definitions in force, or those that a set is to put in force.
func (s Store) views(ctx context.Context, schema, name, group *string, set *int32) ([]viewRow, error) {
	rows, err := collect[viewRow](ctx, s.db, sql.Views, schema, name, group, set)
	if err != nil {
		return nil, fmt.Errorf("read views: %w", err)
	}
	if len(rows) > 0 {
		err = newer(rows[0].Version)
	}
	return rows, err
}

// AddView stores a definition and returns it with its id; an *ExistsError when the name is taken. A view on a schedule
// is first due after dueIn.
func (s Store) AddView(ctx context.Context, v View, dueIn time.Duration) (View, error) {
	v.LinkName = v.Link.Name
	args := v.args()
	args["due_in"] = dueIn
	err := s.db.QueryRow(ctx, sql.AddView, args).Scan(
		&v.ID, &v.Generation, &v.CreatedAt, &v.ChangedAt)
	if violates(err, "view_name_is_unique") {
		return v, &ExistsError{Kind: "view", Name: v.Name.String()}
	}
	if err != nil {
		return v, v.notStored(err)
	}
	return v, nil
}

// AlterView replaces a definition, its generation numbers included, and says when it is next due, how often it has
// failed, and what is proven of its copy. It returns when that was. The caller holds the view's lock.
func (s Store) AlterView(ctx context.Context, v View, state State) (changedAt time.Time, err error) {
	args := v.args()
	args["next_due"], args["failures"], args["unready_since"] = state.NextDue, state.Failures, state.UnreadySince
	args["modified"], args["content"] = state.Modified, state.Content
	if err = s.db.QueryRow(ctx, sql.AlterView, args).Scan(&changedAt); err != nil {
		return changedAt, v.notStored(err)
	}
	return changedAt, nil
}

// args are what is stored of a view.
func (v View) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": v.ID, "schema_name": v.Name.Schema, "view_name": v.Name.View, "generation": v.Generation,
		"definition": v.Definition, "columns": v.Columns, "link_id": zeronull.Int4(v.Link.ID), "rowless": v.Rowless(),
	}
}

// DropView deletes a definition with its history. It does not leave that to the foreign keys: with
// session_replication_role, which a superuser can set for any role, they do nothing.
func (s Store) DropView(ctx context.Context, v View) error {
	_, err := s.db.Exec(ctx, `
		WITH run AS (DELETE FROM redcache.run WHERE view_id = $1),
		     state AS (DELETE FROM redcache.state WHERE view_id = $1),
		     generation AS (DELETE FROM redcache.generation WHERE view_id = $1)
		DELETE FROM redcache.view WHERE id = $1`, v.ID)
	if err != nil {
		return fmt.Errorf("delete view %s: %w", v.Name, err)
	}
	return nil
}
