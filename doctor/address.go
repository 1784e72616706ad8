package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
)

// examineAddress asks where a link leads: to an address inside the network, which is what one wants, or to a public
// one, by which rows leave it and come back.
func examineAddress(ctx context.Context, x *exam, l catalog.Link) (Check, error) {
	switch {
	case l.Address == catalog.PrivateAddress:
		return x.examineLookedUp(ctx, l), nil
	case l.HostAddr != "":
		return judgeAddress(l, "its address", l.HostAddr), nil
	}
	if _, err := netip.ParseAddr(l.Host); err == nil {
		return judgeAddress(l, "its host", l.Host), nil
	}
	there, err := resolveThere(ctx, x.tx, l)
	if err != nil {
		return Check{}, err
	}
	if there != "" {
		if c := judgeAddress(l, l.Host+", as PostgreSQL resolves it,", there); c.Result != OK {
			return c, nil
		}
	}
	here, err := x.cfg.Resolve(ctx, l.Host)
	switch {
	case err != nil && there == "":
		return unknown(about(l), "what "+l.Host+" resolves to is not known, neither to PostgreSQL nor to this "+
			"machine: "+
			infra.Message(err), ""), nil
	case err != nil:
		return ok(about(l), "%s is the private address %s, as PostgreSQL resolves it; this machine does not resolve "+
			"it, and cannot stream",
			l.Host, there), nil
	}
	for _, address := range here {
		if c := judgeAddress(l, l.Host+", as this machine resolves it,", address.Unmap().String()); c.Result != OK {
			return c, nil
		}
	}
	if there == "" {
		return unknown(about(l), l.Host+" is private as this machine resolves it; how PostgreSQL resolves it is not "+
			"known",
			"Ask from a machine in its network; with rds.custom_dns_resolution = 1, RDS asks the resolver of the "+
				"VPC."), nil
	}
	return ok(about(l), "%s is the private address %s", l.Host, there), nil
}

// examineLookedUp holds the address that was looked up last against what AWS says now.
func (x *exam) examineLookedUp(ctx context.Context, l catalog.Link) Check {
	state := x.rests[l.ID]
	if l.HostAddr == "" || state.ResolvedAt == nil {
		return warn(about(l), "its private address was never looked up",
			"The next refresh looks it up; if none does, see why runs fail (`cachectl runs`).")
	}
	looked := fmt.Sprintf("its private address is %s, looked up %s "+
		"ago", l.HostAddr, brief(x.now.Sub(*state.ResolvedAt)))
	e, err := x.endpoint(ctx, l)
	if err != nil {
		return unknown(about(l), looked+"; whether it still is could not be "+
			"asked: "+infra.Message(err), infra.Hint(err))
	}
	var private []string
	for _, i := range e.Private {
		private = append(private, i.Address)
	}
	if !slices.Contains(private, l.HostAddr) {
		return warn(about(l), fmt.Sprintf("%s; AWS now says %s", looked, some(private)),
			"The next refresh looks it up again. If runs fail, see whether whoever refreshes may ask AWS (`cachectl "+
				"runs`).")
	}
	return ok(about(l), "%s, and AWS says the same", looked)
}

// judgeAddress says whether an address is of a private network.
func judgeAddress(l catalog.Link, what, text string) Check {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return undecided(about(l), fmt.Errorf("read address %q: %w", text, err))
	}
	if !isPrivate(address) {
		return warn(about(l), fmt.Sprintf("%s is %s, a public one: rows leave the network and come "+
			"back", what, address),
			"Use --address private, or give the private address with --hostaddr; on RDS, rds.custom_dns_resolution = "+
				"1 and DNS names "+
				"in the VPC may do as well.")
	}
	return ok(about(l), "%s is %s, a private one", what, address)
}

// shared is the range that networks use inside which are short of private addresses (RFC 6598); VPCs may have it.
var shared = netip.MustParsePrefix("100.64.0.0/10")

func isPrivate(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || shared.Contains(a.Unmap())
}

// tried is how libpq of PostgreSQL 14 and newer names the address behind a host name.
var tried = regexp.MustCompile(`connection to server at ".*" \(([0-9a-fA-F.:]+)\), port `)

// resolveThere returns the address that a link's host has for PostgreSQL, as the server's libpq names it when it fails
// to connect; nothing when the server is too old, or does not resolve it. No SQL function resolves names. So a
// connection is begun that must fail before a login is sent: it wants a certificate's file that does not exist.
func resolveThere(ctx context.Context, tx pgx.Tx, l catalog.Link) (string, error) {
	schema, err := dblink.Home(ctx, tx)
	if err != nil {
		return "", err
	}
	options := []string{
		"host=" + conninfo(l.Host), "port=" + strconv.Itoa(l.Port), "dbname=" + conninfo(l.Database),
		"user=redcache_doctor", "password=none", "sslmode=verify-ca", "sslrootcert=/nonexistent/redcache_doctor",
		"connect_timeout=5", "gssencmode=disable",
	}
	guard, err := tx.Begin(ctx)
	if err != nil {
		return "", err
	}
	_, err = guard.Exec(ctx, "SELECT "+dblink.Call(schema, "dblink_connect", "'redcache_doctor'", "$1"), strings.Join(options, " "))
	if back := guard.Rollback(ctx); back != nil {
		return "", back
	}
	server := (*pgconn.PgError)(nil)
	if !errors.As(err, &server) {
		return "", err
	}
	if found := tried.FindStringSubmatch(server.Detail); found != nil {
		return found[1], nil
	}
	return "", nil
}

// conninfo quotes a value for libpq.
func conninfo(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}
