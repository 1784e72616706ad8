package access

import (
	"cmp"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
)

// Provision makes a link as [CreateLink] does, after AWS has told what the definition leaves open: the host,
// the port, the private address, the login, and what a secret says. The password is for a link that gets one by hand.
func (k *Keeper) Provision(ctx context.Context, l catalog.Link, password string) (catalog.Link, error) {
	l.Credentials = cmp.Or(l.Credentials, catalog.PasswordCredentials)
	l.Address = cmp.Or(l.Address, catalog.GivenAddress)
	if err := l.Validate(); err != nil {
		return l, err
	}
	l, login, err := k.introduce(ctx, l, password)
	if err != nil {
		return l, err
	}
	return CreateLink(ctx, k.db, l, login)
}

// introduce asks AWS for all that is needed to make the link.
func (k *Keeper) introduce(ctx context.Context, l catalog.Link, password string) (catalog.Link, Login, error) {
	login := Login{Password: password}
	var err error
	switch l.Credentials {
	case catalog.PasswordCredentials:
	case catalog.SecretCredentials:
		var secret cloud.Secret
		if secret, err = k.secret(ctx, l); err == nil {
			l.Host, l.Port = cmp.Or(l.Host, secret.Host), cmp.Or(l.Port, secret.Port)
			l.Database = cmp.Or(l.Database, secret.Database)
			login = given(secret.Login)
		}
	default:
		login, err = k.login(ctx, l)
	}
	if err != nil {
		return l, login, err
	}
	if known(l) && (l.Address == catalog.PrivateAddress || l.Host+l.HostAddr == "" || l.Port == 0) {
		endpoint, err := k.endpoint(ctx, l)
		if err != nil {
			return l, login, err
		}
		if endpoint.State != cloud.Available {
			return l, login, unavailable(l, endpoint, 0)
		}
		if err := settle(&l, endpoint); err != nil {
			return l, login, err
		}
	}
	l.Port = cmp.Or(l.Port, defaultPort)
	return l, login, nil
}

// defaultPort is Redshift's.
const defaultPort = 5439

func (k *Keeper) secret(ctx context.Context, l catalog.Link) (cloud.Secret, error) {
	ctx, cancel := k.asking(ctx)
	defer cancel()
	return k.aws.Secret(ctx, l.Region, l.Secret)
}

// Rotate gives the link a new login at once: one that AWS issues, what its secret has now, or, for a link that gets its
// password by hand, the given one. It proves that a session can be opened with it; otherwise the old one stays.
func (k *Keeper) Rotate(ctx context.Context, l catalog.Link, password string) error {
	err := k.locked(ctx, l, always, func(tx pgx.Tx, _ catalog.LinkState) error {
		login := Login{User: l.User, Password: password}
		var err error
		if l.Credentials != catalog.PasswordCredentials || password == "" {
			if login, err = k.login(ctx, l); err != nil {
				return err
			}
		}
		if err := setLogin(ctx, tx, l, login); err != nil {
			return err
		}
		return TryLink(ctx, tx, l)
	})
	if err != nil {
		return fmt.Errorf("rotate login of link %s: %w", l.Name, err)
	}
	k.cfg.Log.InfoContext(ctx, "login of the link is rotated", infra.KeyLink, l.Name)
	return nil
}

// Resolve looks up where the link's cluster is, whenever that was last done, and returns the link with the address that
// it has now. A cluster that takes no connections is an [*UnavailableError]. For a link whose cluster nobody named it
// does nothing.
func (k *Keeper) Resolve(ctx context.Context, l catalog.Link) (catalog.Link, error) {
	if !known(l) {
		return l, nil
	}
	err := k.locked(ctx, l, always, func(tx pgx.Tx, s catalog.LinkState) error {
		_, err := k.lookIn(ctx, tx, l, s, k.cfg.Poll.Delay(1))
		return err
	})
	if err != nil {
		return l, fmt.Errorf("look up link %s: %w", l.Name, err)
	}
	return k.store.Link(ctx, l.Name)
}
