package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/redcache/redcache/sql"
)

// Age is how fresh a view is, and what is to happen to it.
type Age struct {
	Name
	Age    *time.Duration // nil before the first success
	Stale  bool           // it does not keep its promise
	Due    bool
	Queued bool // a message that asks for its refresh is on its way
}

// Ages returns all views by name, in one cheap query.
func (s Store) Ages(ctx context.Context) ([]Age, error) {
	ages, err := collect[Age](ctx, s.db, sql.Ages)
	if err != nil {
		return nil, fmt.Errorf("read ages of views: %w", err)
	}
	return ages, nil
}

// LinkUse is how a link is used, and how old its password is.
type LinkUse struct {
	Link     string         `db:"name"`
	Sessions int            // on Redshift now, of all processes
	Age      *time.Duration // of the password; nil when it is not known
	Left     *time.Duration // until the password ends, negative after that; nil when it does not, as far as is known
}

// LinkUse returns all links by name.
func (s Store) LinkUse(ctx context.Context) ([]LinkUse, error) {
	uses, err := collect[LinkUse](ctx, s.db, sql.LinkUse)
	if err != nil {
		return nil, fmt.Errorf("read use of links: %w", err)
	}
	return uses, nil
}
