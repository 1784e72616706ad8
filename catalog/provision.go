package catalog

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
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

// ProvisionLink makes a link: its row, the foreign server and the user mapping, and proves in the same transaction
// that a session can be opened through it. When that fails, nothing is left behind.
func ProvisionLink(ctx context.Context, b infra.Beginner, l Link, login Login) (Link, error) {
	l.Credentials, l.Address = cmp.Or(l.Credentials, PasswordCredentials), cmp.Or(l.Address, GivenAddress)
	if err := l.Validate(); err != nil {
		return l, err
	}
	err := infra.InTx(ctx, b, infra.Limits{}, func(tx pgx.Tx) error {
		_, err := dblink.Extensions(ctx, tx)
		if err != nil {
			return err
		}
		if l, err = In(tx).AddLink(ctx, l); err != nil {
			return err
		}
		server := l.Server()
		server.User = cmp.Or(login.User, l.User)
		if err := dblink.Create(ctx, tx, server, login.Password); err != nil {
			return fmt.Errorf("create link %s: %w", l.Name, err)
		}
		if err := In(tx).Renewed(ctx, l.ID, login.Expires); err != nil {
			return err
		}
		if l.Address == PrivateAddress {
			if err := In(tx).Resolved(ctx, l); err != nil {
				return err
			}
		}
		return TryLink(ctx, tx, l)
	})
	return l, err
}

// TryLink opens a session through the link and reads one row, in tx.
func TryLink(ctx context.Context, tx pgx.Tx, l Link) error {
	session, err := dblink.Open(ctx, tx, l.Server().Name, dblink.Settings{
		QueryGroup: "redcache link test", StatementTimeout: dblink.TrialLimit(ctx),
	})
	if err != nil {
		return ExplainRemote(err, "connect through link "+l.Name)
	}
	if _, err := session.Row(ctx, "SELECT 1", 1); err != nil {
		return ExplainRemote(err, "query through link "+l.Name)
	}
	if err := session.Close(ctx); err != nil {
		return fmt.Errorf("close link %s: %w", l.Name, err)
	}
	return nil
}

// UnprovisionLink removes a link with its foreign server and user mapping; an *InUseError when views read from it.
func UnprovisionLink(ctx context.Context, b infra.Beginner, l Link) error {
	return infra.InTx(ctx, b, infra.Limits{}, func(tx pgx.Tx) error {
		if err := In(tx).RemoveLink(ctx, l); err != nil {
			return err
		}
		if err := dblink.Drop(ctx, tx, l.Server().Name); err != nil {
			return fmt.Errorf("drop link %s: %w", l.Name, err)
		}
		return nil
	})
}

// explainedError is a failure in words for humans.
type explainedError struct {
	doing, what string
	err         error
}

func (e *explainedError) Error() string { return e.doing + ": " + e.what }
func (e *explainedError) Unwrap() error { return e.err }

// Public is the text without values of rows, see [dblink.Public].
func (e *explainedError) Public() string { return e.doing + ": " + dblink.PublicCause(e.err) }

// ExplainRemote says what a failure on the way to the remote side and back means, on which side it arose, what was being
// done, and in a hint what to do next.
func ExplainRemote(err error, doing string) error {
	what, hint := dblink.Explain(err)
	return infra.Hinted(&explainedError{doing, what, err}, hint)
}
