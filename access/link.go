package access

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/redshift"
)

// Login is what a session on Redshift is opened with. Printing it hides the password.
type Login struct {
	User     string // as the server wants it; AWS may put a prefix before the name that was asked for
	Password string
	Expires  *time.Time // for new sessions; nil: not, as far as is known
}

// String hides the password.
func (l Login) String() string { return "login " + l.User }

// GoString hides the password.
func (l Login) GoString() string { return l.String() }

// LogValue hides the password.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// CreateLink makes a link: its row, the foreign server and the user mapping, and proves in the same transaction
// that a session can be opened through it. When that fails, nothing is left behind.
func CreateLink(ctx context.Context, b infra.Beginner, l catalog.Link, login Login) (catalog.Link, error) {
	l.Credentials, l.Address = cmp.Or(l.Credentials, catalog.PasswordCredentials), cmp.Or(l.Address, catalog.GivenAddress)
	if err := l.Validate(); err != nil {
		return l, err
	}
	err := infra.InTx(ctx, b, infra.Limits{}, func(tx pgx.Tx) error {
		_, err := dblink.Extensions(ctx, tx)
		if err != nil {
			return err
		}
		if l, err = catalog.In(tx).AddLink(ctx, l); err != nil {
			return err
		}
		server := l.Server()
		server.User = cmp.Or(login.User, l.User)
		if err := dblink.Create(ctx, tx, server, login.Password); err != nil {
			return fmt.Errorf("create link %s: %w", l.Name, err)
		}
		if err := catalog.In(tx).Renewed(ctx, l.ID, login.Expires); err != nil {
			return err
		}
		if l.Address == catalog.PrivateAddress {
			if err := catalog.In(tx).Resolved(ctx, l); err != nil {
				return err
			}
		}
		return TryLink(ctx, tx, l)
	})
	return l, err
}

// TryLink opens a session through the link and reads one row, in tx. A rehearsal, which has no password, tries nothing.
func TryLink(ctx context.Context, tx pgx.Tx, l catalog.Link) error {
	if plan.Rehearses(tx) {
		return nil
	}
	session, err := dblink.Open(ctx, tx, l.Server().Name, redshift.Settings{
		QueryGroup: "redcache link test", StatementTimeout: dblink.TrialLimit(ctx),
	})
	if err != nil {
		return redshift.Explained(err, "connect through link "+l.Name)
	}
	if _, err := session.Row(ctx, "SELECT 1", 1); err != nil {
		return redshift.Explained(err, "query through link "+l.Name)
	}
	if err := session.Close(ctx); err != nil {
		return fmt.Errorf("close link %s: %w", l.Name, err)
	}
	return nil
}

// RemoveLink removes a link with its foreign server and user mapping; a *[catalog.InUseError] when views read from it,
// or are to.
func RemoveLink(ctx context.Context, b infra.Beginner, l catalog.Link) error {
	return infra.InTx(ctx, b, infra.Limits{}, func(tx pgx.Tx) error {
		if err := catalog.In(tx).RemoveLink(ctx, l); err != nil {
			return err
		}
		if err := dblink.Drop(ctx, tx, l.Server().Name); err != nil {
			return fmt.Errorf("drop link %s: %w", l.Name, err)
		}
		return nil
	})
}
