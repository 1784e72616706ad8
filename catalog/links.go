package catalog

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

const linkColumns = `id, name, host, hostaddr, port, database, username, sslmode, sslrootcert, max_concurrency, created_at,
	credentials, cluster, workgroup, secret, region, address, zone`

// Links returns all links by name.
func (s Store) Links(ctx context.Context) ([]Link, error) {
	links, err := collect[Link](ctx, s.db, `SELECT `+linkColumns+` FROM redcache.link ORDER BY name`)
	if err != nil {
		return nil, fmt.Errorf("read links: %w", err)
	}
	return links, nil
}

// Link returns one link; a *NotFoundError when there is none of that name.
func (s Store) Link(ctx context.Context, name string) (Link, error) {
	links, err := s.Links(ctx)
	if err != nil {
		return Link{}, err
	}
	names := make([]string, len(links))
	for i, link := range links {
		if link.Name == name {
			return link, nil
		}
		names[i] = link.Name
	}
	return Link{}, &NotFoundError{Kind: "link", Name: name, Near: infra.Nearest(name, names)}
}

const addLink = `WITH added AS (
    INSERT INTO redcache.link (name, host, hostaddr, port, database, username, sslmode, sslrootcert, max_concurrency,
                               credentials, cluster, workgroup, secret, region, address, zone)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    RETURNING id, created_at
), stated AS (
    INSERT INTO redcache.link_state (link_id) SELECT id FROM added
)
SELECT id, created_at FROM added`

// AddLink stores a link and returns it with its id; an *ExistsError when the name is taken. A kind of credentials or
// address that is not set is the one that needs no AWS.
func (s Store) AddLink(ctx context.Context, l Link) (Link, error) {
	l.Credentials, l.Address = cmp.Or(l.Credentials, PasswordCredentials), cmp.Or(l.Address, GivenAddress)
	args := []any{
		l.Name, l.Host, l.HostAddr, l.Port, l.Database, l.User, l.SSLMode, l.SSLRootCert, l.MaxConcurrency,
		l.Credentials, l.Cluster, l.Workgroup, l.Secret, l.Region, l.Address, l.Zone,
	}
	err := s.db.QueryRow(ctx, addLink, args...).Scan(&l.ID, &l.CreatedAt)
	if violates(err, "link_name_is_unique") {
		return l, &ExistsError{Kind: "link", Name: l.Name}
	}
	if err != nil {
		return l, fmt.Errorf("store link %s: %w", l.Name, err)
	}
	plan.Note(s.in, plan.Step{Title: "store the definition", SQL: sql.Inlined(addLink, args...)})
	return l, nil
}

const removeLink = `WITH state AS (DELETE FROM redcache.link_state WHERE link_id = $1)
DELETE FROM redcache.link WHERE id = $1`

// RemoveLink deletes a link; an *InUseError when views read from it, or are to. It belongs into a transaction: whoever is
// storing such a view meanwhile is waited for.
func (s Store) RemoveLink(ctx context.Context, l Link) error {
	if _, err := s.db.Exec(ctx, `SELECT FROM redcache.link WHERE id = $1 FOR UPDATE`, l.ID); err != nil {
		return fmt.Errorf("lock link %s: %w", l.Name, err)
	}
	used, err := s.usesOf(ctx, l)
	if err != nil {
		return err
	}
	if len(used.Views)+len(used.Building) > 0 {
		return used
	}
	if _, err = s.db.Exec(ctx, removeLink, l.ID); err != nil {
		return fmt.Errorf("delete link %s: %w", l.Name, err)
	}
	plan.Note(s.in, plan.Step{Title: "delete the definition", SQL: sql.Inlined(removeLink, l.ID)})
	return nil
}

// usesOf finds the views that read from a link, and what is being built that is to.
func (s Store) usesOf(ctx context.Context, l Link) (*InUseError, error) {
	used := &InUseError{Link: l.Name}
	names, err := collect[Name](ctx, s.db,
		`SELECT v.schema_name, v.view_name FROM redcache.defined v WHERE v.link_id = $1 ORDER BY 1, 2`, l.ID)
	if err != nil {
		return used, fmt.Errorf("read views of link %s: %w", l.Name, err)
	}
	for _, name := range names {
		used.Views = append(used.Views, name.String())
	}
	sets, err := s.PendingSets(ctx)
	for _, p := range sets {
		if slices.ContainsFunc(p.Views, func(v PendingView) bool { return v.LinkID == l.ID }) {
			used.Building = append(used.Building, p)
		}
	}
	return used, err
}

// LinkState returns what is true of a link now; pgx.ErrNoRows when it was removed.
func (s Store) LinkState(ctx context.Context, linkID int32) (LinkState, error) {
	rows, err := s.db.Query(ctx, `
		SELECT renewed_at, expires_at, resolved_at, rest_until, rest_reason, pg_catalog.clock_timestamp() AS now
		FROM redcache.link_state WHERE link_id = $1`, linkID)
	if err != nil {
		return LinkState{}, fmt.Errorf("read state of link %d: %w", linkID, err)
	}
	state, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[LinkState])
	if err != nil {
		return state, fmt.Errorf("read state of link %d: %w", linkID, err)
	}
	return state, nil
}

// Renewed notes that the link's user mapping has a new password, which ends at expires; nil: not, as far as is known.
func (s Store) Renewed(ctx context.Context, linkID int32, expires *time.Time) error {
	_, err := s.db.Exec(ctx, `
		UPDATE redcache.link_state SET renewed_at = pg_catalog.clock_timestamp(), expires_at = $2 WHERE link_id = $1`,
		linkID, expires)
	if err != nil {
		return fmt.Errorf("note new password of link %d: %w", linkID, err)
	}
	return nil
}

// Resolved stores where the link leads now, and that it was just looked up.
func (s Store) Resolved(ctx context.Context, l Link) error {
	_, err := s.db.Exec(ctx, `
		WITH moved AS (
		    UPDATE redcache.link SET host = $2, hostaddr = $3, port = $4
		    WHERE id = $1 AND (host, hostaddr, port) IS DISTINCT FROM ($2, $3, $4)
		)
		UPDATE redcache.link_state SET resolved_at = pg_catalog.clock_timestamp() WHERE link_id = $1`,
		l.ID, l.Host, l.HostAddr, l.Port)
	if err != nil {
		return fmt.Errorf("store address of link %s: %w", l.Name, err)
	}
	return nil
}

// Rest keeps the views of a link from being due for so long, for a reason that humans read; a pause of zero ends it.
func (s Store) Rest(ctx context.Context, linkID int32, pause time.Duration, reason string) error {
	_, err := s.db.Exec(ctx, `
		UPDATE redcache.link_state
		SET rest_until = CASE WHEN $2::interval > '0' THEN pg_catalog.clock_timestamp() + $2 END,
		    rest_reason = CASE WHEN $2::interval > '0' THEN $3::text END
		WHERE link_id = $1`, linkID, pause, reason)
	if err != nil {
		return fmt.Errorf("note that link %d rests: %w", linkID, err)
	}
	return nil
}
