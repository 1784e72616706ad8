package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/sql"
)

// NotOursError says that something where the cache lives belongs to somebody else, who could have this role run what it
// never meant to run. [Store.Ready] and [Store.Owned] return it.
type NotOursError struct {
	What  string // such as "schema redcache"
	Owner string
	Role  string // this one
}

func (e *NotOursError) Error() string {
	return fmt.Sprintf("%s belongs to role %s, not to %s", e.What, e.Owner, e.Role)
}

// Hint says how to go on.
func (e *NotOursError) Hint() string {
	return fmt.Sprintf("The role of DATABASE_URL has to be the one that made schema redcache, or take its role (ALTER ROLE … SET role = …). If that is %s, "+
		"do not use what is there: whoever owns it could run anything as %[1]s. %s, or a superuser, has to drop it, or give "+
		"it to %[1]s (ALTER … OWNER TO).", e.Role, e.Owner)
}

// MemberError says that this role has the rights of the catalog's owner, and is not the owner. What it makes would belong
// to itself: the owner could not work with it any more, and readers, whom the owner's view lets in, would be refused.
type MemberError struct{ Owner, Role string }

func (e *MemberError) Error() string {
	return fmt.Sprintf("role %s is a member of %s, who owns the cache, and what it makes would not be %[2]s's", e.Role, e.Owner)
}

// Hint says how to go on.
func (e *MemberError) Hint() string {
	return fmt.Sprintf("Let this login work as %s, from its next session on: ALTER ROLE %s SET role = %s; or have DATABASE_URL "+
		"name %[1]s.", e.Owner, sql.Ident(e.Role), sql.Ident(e.Owner))
}

// Owned checks that the schemas of the cache, as far as they exist, belong to this role with all that is in them.
// Nothing of them must be read before.
func (s Store) Owned(ctx context.Context) error {
	var e NotOursError
	var member bool
	err := s.db.QueryRow(ctx, sql.Owners).Scan(&e.What, &e.Owner, &e.Role, &member)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look who owns the cache: %w", err)
	case member:
		return &MemberError{Owner: e.Owner, Role: e.Role}
	}
	return &e
}

// Closed checks that nobody else may create anything in the schemas of the cache.
func (s Store) Closed(ctx context.Context) error {
	var schema, role string
	err := s.db.QueryRow(ctx, sql.Creators).Scan(&schema, &role)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look who may create in the cache: %w", err)
	}
	return infra.Hinted(fmt.Errorf("%s may create in schema %s", role, schema),
		fmt.Sprintf("Only the owner of the cache may: REVOKE CREATE ON SCHEMA %s FROM %s;", schema, sql.Pasted(role)))
}
