package redshiftsim

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/internal/pgtest"
)

// rolePassword is what the stand-in itself uses to log in to the engine as a role. Roles belong to a whole cluster, so
// all stand-ins in front of one cluster have to arrive at the same password without talking to each other.
func (s *Server) rolePassword(user string) string {
	mac := hmac.New(sha256.New, []byte(s.engine.Password))
	mac.Write([]byte(user))
	return hex.EncodeToString(mac.Sum(nil))
}

// makeRole makes the engine's role of a login unless another stand-in did.
func makeRole(ctx context.Context, conn *pgx.Conn, user, password string, readsAll bool) error {
	secret, err := pgtest.Secret(password)
	if err != nil {
		return err
	}
	statement := "CREATE ROLE " + pgx.Identifier{user}.Sanitize() + " LOGIN NOSUPERUSER PASSWORD '" + secret + "'"
	if readsAll {
		statement += " IN ROLE pg_read_all_data"
	}
	_, err = conn.Exec(ctx, statement)
	if pgErr := (*pgconn.PgError)(nil); errors.As(err, &pgErr) {
		// 42710 is the role of an earlier stand-in, 23505 that of one that was quicker.
		if pgErr.Code == "42710" || pgErr.Code == "23505" {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("make engine role %s: %w", user, err)
	}
	return nil
}
