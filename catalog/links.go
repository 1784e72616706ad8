package catalog

import (
	"context"
	"fmt"

	"github.com/redcache/redcache/infra"
)

const linkColumns = `id, name, host, hostaddr, port, database, username, sslmode, sslrootcert, max_concurrency, created_at`

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

// AddLink stores a link and returns it with its id; an *ExistsError when the name is taken.
func (s Store) AddLink(ctx context.Context, l Link) (Link, error) {
	err := s.db.QueryRow(ctx, `
		INSERT INTO redcache.link (name, host, hostaddr, port, database, username, sslmode, sslrootcert, max_concurrency)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		RETURNING id, created_at`,
		l.Name, l.Host, l.HostAddr, l.Port, l.Database, l.User, l.SSLMode, l.SSLRootCert, l.MaxConcurrency,
	).Scan(&l.ID, &l.CreatedAt)
	if violates(err, "link_name_is_unique") {
		return l, &ExistsError{Kind: "link", Name: l.Name}
	}
	if err != nil {
		return l, fmt.Errorf("store link %s: %w", l.Name, err)
	}
	return l, nil
}

// RemoveLink deletes a link; an *InUseError when views read from it.
func (s Store) RemoveLink(ctx context.Context, l Link) error {
	names, err := collect[Name](ctx, s.db,
		`SELECT schema_name, view_name FROM redcache.view WHERE link_id = $1 ORDER BY 1, 2`, l.ID)
	if err != nil {
		return fmt.Errorf("read views of link %s: %w", l.Name, err)
	}
	if len(names) > 0 {
		used := &InUseError{Link: l.Name}
		for _, name := range names {
			used.Views = append(used.Views, name.String())
		}
		return used
	}
	if _, err := s.db.Exec(ctx, `DELETE FROM redcache.link WHERE id = $1`, l.ID); err != nil {
		return fmt.Errorf("delete link %s: %w", l.Name, err)
	}
	return nil
}
