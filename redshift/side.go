package redshift

import (
	"errors"
	"path"

	"github.com/jackc/pgx/v5/pgconn"
)

// Side is the server, with the way to it, on which an error arose.
type Side int

const (
	// Here is the cache database.
	Here Side = iota
	// There is Redshift.
	There
)

// String names the side for people.
func (s Side) String() string {
	if s == There {
		return "Redshift"
	}
	return "the cache database"
}

// foreign is an error of a session that is not the cache database's: those of package session are.
type foreign interface {
	error
	FromRedshift()
}

// dblinkSource and relaying are the places in PostgreSQL's source, which each of its errors names, where dblink raises
// what went wrong with a connection of its own, and what the other server said through it. No other place can
// say so, whatever text, SQLSTATE or context it gives its error; the other server cannot name a place here.
const (
	dblinkSource = "dblink.c"
	relaying     = "dblink_res_error"
)

// SideOf tells where an error arose, by who raised it and not by what it says.
func SideOf(err error) Side {
	if _, direct := errors.AsType[foreign](err); direct {
		return There
	}
	server, said := errors.AsType[*pgconn.PgError](err)
	if said && (path.Base(server.File) == dblinkSource || unlikeAnnounced(server)) {
		return There
	}
	return Here
}

// unlikeAnnounced tells whether PostgreSQL has found that the rows which a statement of ours got from a function are not
// those that it named: dblink hands on the status of a command where the other server says that it was none with rows. Of
// a statement inside of somebody's function, the context would say so.
func unlikeAnnounced(err *pgconn.PgError) bool {
	return err.Code == datatypeMismatch && path.Base(err.File) == "execSRF.c" && err.Where == ""
}

const datatypeMismatch = "42804"

// Relayed tells whether it is Redshift itself that said so, and not dblink on its behalf.
func Relayed(err error) bool {
	server, said := errors.AsType[*pgconn.PgError](err)
	return SideOf(err) == There && said && !unlikeAnnounced(server) && (path.Base(server.File) != dblinkSource || server.Routine == relaying)
}

// OtherShape tells whether dblink has refused a result since it has other columns than were asked for.
func OtherShape(err error) bool {
	server, said := errors.AsType[*pgconn.PgError](err)
	return said && server.Code == datatypeMismatch && SideOf(err) == There && !Relayed(err)
}

// ServerCode returns the SQLSTATE with which a side has answered; empty when it was not that side's server.
func ServerCode(err error, side Side) string {
	server, said := errors.AsType[*pgconn.PgError](err)
	if !said || SideOf(err) != side {
		return ""
	}
	return server.Code
}
