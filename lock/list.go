package lock

import (
	"context"
	_ "embed" // list.sql
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// The kinds of locks in [Held].
const (
	KindView  = "view"
	KindLink  = "link"  // a slot of it
	KindLogin = "login" // what the link logs in with, and where it leads
	KindSet   = "set"   // of definitions that are built to take effect together
)

// Held is one lock that a session has or waits for.
type Held struct {
	Kind    string // KindView, KindLink, KindLogin or KindSet
	ID      int32  // of the view, the link or the set
	Slot    int    // of a KindLink; 0 for the others
	Waiting bool   // the session waits for the lock, which another one has
	Holder
}

// Holder is a session that has a lock. What an ordinary role may not see of other users' sessions is empty.
type Holder struct {
	PID         int       // of the backend; 0 for a prepared transaction
	Application string    // application_name
	User        string    // role
	ClientAddr  string    // IP address; empty for a Unix socket
	Since       time.Time // when its transaction began
	State       string    // of the backend, as in pg_stat_activity
	Strange     bool      // its role has not the rights of the catalog's owner: PostgreSQL lets everybody take advisory locks
}

// String names the holder for people: pid 123 (redcache worker host-a) since 12:03:04 UTC. Without an application
// name, the user stands for it.
func (h Holder) String() string {
	if h.PID == 0 {
		return "a prepared transaction"
	}
	text := fmt.Sprintf("pid %d", h.PID)
	switch {
	case h.Strange:
		text += fmt.Sprintf(" (%s, user %s, who has no business with it)", h.Application, h.User)
	case h.Application != "":
		text += " (" + h.Application + ")"
	case h.User != "":
		text += " (user " + h.User + ")"
	}
	if !h.Since.IsZero() {
		text += " since " + h.Since.UTC().Format("15:04:05 MST")
	}
	return text
}

// Querier reads; pgx.Tx, *pgxpool.Pool and *pgx.Conn do.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

//go:embed list.sql
var listSQL string

// List returns the locks of this package in this database, held and waited for: views, then links, logins and sets, by id and
// slot, the holder before those who wait for it.
//
// A pool must come pinned, see [infra.Pinned]: a statement of its own would go by the role's search_path.
func List(ctx context.Context, q Querier) ([]Held, error) {
	// A transaction sees pg_stat_activity as it was at its first look. The second holder of a lock would be nobody.
	var cleared any
	if err := q.QueryRow(ctx, `SELECT pg_catalog.pg_stat_clear_snapshot()`).Scan(&cleared); err != nil {
		return nil, fmt.Errorf("list locks: look at sessions anew: %w", err)
	}
	rows, err := q.Query(ctx, listSQL)
	if err != nil {
		return nil, fmt.Errorf("list locks: %w", err)
	}
	locks, err := pgx.CollectRows(rows, scanHeld)
	if err != nil {
		return nil, fmt.Errorf("list locks: %w", err)
	}
	return locks, nil
}

func scanHeld(row pgx.CollectableRow) (h Held, err error) {
	var since *time.Time
	err = row.Scan(&h.Kind, &h.ID, &h.Slot, &h.Waiting,
		&h.PID, &h.Application, &h.User, &h.ClientAddr, &since, &h.State, &h.Strange)
	if since != nil {
		h.Since = *since
	}
	return h, err
}
