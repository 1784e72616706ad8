package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
)

// loginDue says whether the password ends within the margin, or within half of its life if that is less.
func (k *Keeper) loginDue(l catalog.Link, s catalog.LinkState) bool {
	if l.Credentials == catalog.PasswordCredentials || s.ExpiresAt == nil {
		return false
	}
	margin := k.cfg.Margin
	if s.RenewedAt != nil {
		margin = min(margin, s.ExpiresAt.Sub(*s.RenewedAt)/2)
	}
	return s.ExpiresAt.Sub(s.Now) < margin
}

// renew gives the link's user mapping a new password, if that is due.
func (k *Keeper) renew(ctx context.Context, l catalog.Link, is due) error {
	return k.locked(ctx, l, is, func(tx pgx.Tx, _ catalog.LinkState) error {
		login, err := k.login(ctx, l)
		if err != nil {
			return err
		}
		return setLogin(ctx, tx, l, login)
	})
}

// setLogin makes a login that of the link's user mapping. A foreign server that somebody has dropped is made again.
func setLogin(ctx context.Context, tx pgx.Tx, l catalog.Link, login Login) error {
	server := l.Server()
	server.User = login.User
	err := dblink.SetPassword(ctx, tx, server.Name, server.User, login.Password)
	if errors.Is(err, dblink.ErrNoServer) {
		err = dblink.Create(ctx, tx, server, login.Password)
	}
	if err != nil {
		return err
	}
	return catalog.In(tx).Renewed(ctx, l.ID, login.Expires)
}

// login asks AWS for a login. Its name is the one that AWS returns, which may have a prefix before the one that was
// asked for.
func (k *Keeper) login(ctx context.Context, l catalog.Link) (Login, error) {
	ctx, cancel := k.asking(ctx)
	defer cancel()
	var login cloud.Login
	var err error
	switch l.Credentials {
	case catalog.ClusterCredentials:
		login, err = k.aws.ClusterLogin(ctx, l.Region, l.Cluster, l.User, l.Database)
	case catalog.ClusterIAMCredentials:
		login, err = k.aws.ClusterIAMLogin(ctx, l.Region, l.Cluster, l.Database)
	case catalog.WorkgroupCredentials:
		login, err = k.aws.WorkgroupLogin(ctx, l.Region, l.Workgroup, l.Database)
	case catalog.SecretCredentials:
		var secret cloud.Secret
		secret, err = k.aws.Secret(ctx, l.Region, l.Secret)
		login = secret.Login
	default:
		return Login{}, infra.Hinted(fmt.Errorf("the password of link %s was given by hand", l.Name),
			"Give it another one: "+infra.Command("cachectl", "link", "rotate", l.Name, "--password-env", "VAR")+".")
	}
	return given(login), err
}

// given is a login of AWS as the catalog has it.
func given(login cloud.Login) Login {
	var expires *time.Time
	if !login.Expires.IsZero() {
		expires = &login.Expires
	}
	return Login{User: login.User, Password: login.Password, Expires: expires}
}

// repairLogin renews a login that was refused, unless somebody has renewed it since.
func (k *Keeper) repairLogin(ctx context.Context, l catalog.Link, since time.Time) (again bool, err error) {
	if l.Credentials == catalog.PasswordCredentials {
		return false, nil
	}
	refused := func(_ catalog.Link, s catalog.LinkState) bool { return s.RenewedAt == nil || !s.RenewedAt.After(since) }
	err = k.locked(ctx, l, refused, func(tx pgx.Tx, _ catalog.LinkState) error {
		login, err := k.login(ctx, l)
		if err != nil {
			return fmt.Errorf("it cannot be renewed: %w", err)
		}
		user, password, err := dblink.Login(ctx, tx, l.Server().Name)
		if err != nil {
			return err
		}
		if user == login.User && password == login.Password {
			return infra.Hinted(fmt.Errorf("%s still has it", l.Secret),
				"Put the password that Redshift knows into the secret, or rotate it there.")
		}
		return setLogin(ctx, tx, l, login)
	})
	if err != nil {
		return false, fmt.Errorf("the login of link %s was refused: %w", l.Name, err)
	}
	k.cfg.Log.InfoContext(ctx, "login of the link was refused, and is renewed", infra.KeyLink, l.Name)
	return true, nil
}
