package doctor

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

// linkProbe makes one check of one link.
type linkProbe struct {
	id      string
	examine func(ctx context.Context, x *exam, l catalog.Link) (Check, error)
}

// linkProbes are made in a transaction for each link. Those that need a session on Redshift share one, see session.go.
var linkProbes = []linkProbe{
	{"link-server", examineServer},
	{"link-tls", examineTLS},
	{"link-credentials", examineCredentials},
	{"link-rest", examineRest},
	{"link-zone", examineZone},
	{"link-address", examineAddress},
}

// examineLinks examines several links side by side: each may have to wait until its connection times out.
func (d *Doctor) examineLinks(ctx context.Context, x *exam) []Check {
	found := make([][]Check, len(x.links))
	var group errgroup.Group
	group.SetLimit(linksAtOnce)
	for i, l := range x.links {
		group.Go(func() error {
			found[i] = d.examineLink(ctx, x, l)
			return nil
		})
	}
	_ = group.Wait() // a link's failure is a check
	if len(x.links) == 0 {
		none := warn(cacheDatabase, "there is no link", "`cachectl link add` makes one.")
		return signed([]Check{none}, probe{id: "link-server", theme: Links})
	}
	return slices.Concat(found...)
}

func (d *Doctor) examineLink(ctx context.Context, x *exam, l catalog.Link) []Check {
	ctx, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	var checks []Check
	for _, p := range linkProbes {
		checks = append(checks, d.checkLink(ctx, x, l, p))
	}
	return append(checks, d.examineSession(ctx, x, l)...)
}

func (d *Doctor) checkLink(ctx context.Context, x *exam, l catalog.Link, p linkProbe) Check {
	var c Check
	err := d.reading(ctx, linkTimeout, func(tx pgx.Tx) (err error) {
		own := *x
		own.tx = tx
		c, err = p.examine(ctx, &own, l)
		return err
	})
	if err != nil {
		c = undecided(about(l), err)
	}
	c.ID, c.Theme = p.id, Links
	return c
}

func about(l catalog.Link) string { return "link " + l.Name }

// examineTLS goes by sslmode: libpq breaks off rather than do less than it says. Whether a session is encrypted where
// sslmode leaves that open, Redshift tells its superusers only.
func examineTLS(_ context.Context, _ *exam, l catalog.Link) (Check, error) {
	const remedy = "Remove the link and add it again with --sslmode require, which every Redshift serves."
	switch l.SSLMode {
	case "disable":
		return fail(about(l), "sslmode is disable: login and rows travel in clear", remedy), nil
	case "allow", "prefer":
		return warn(about(l), "sslmode is "+l.SSLMode+": whoever sits between the two can switch TLS off", remedy), nil
	case "verify-ca", "verify-full":
		return ok(about(l), "encrypted, and the server's certificate is verified (%s)", l.SSLMode), nil
	}
	return ok(about(l), "encrypted; the server's certificate is not verified (sslmode require)"), nil
}

// rotating is the command that gives a link a new password.
func rotating(l catalog.Link) string { return infra.Command("cachectl", "link", "rotate", l.Name) }

// examineCredentials tells how long the password lasts. One that AWS gives is renewed before each refresh, so that it
// ends is no harm by itself; that nobody renews it while views are overdue is.
func examineCredentials(_ context.Context, x *exam, l catalog.Link) (Check, error) {
	state := x.rests[l.ID]
	kind := "credentials of kind " + string(l.Credentials)
	switch {
	case l.Credentials == catalog.PasswordCredentials:
		return ok(about(l), "a password that somebody gave; whoever changes it on Redshift runs %s", rotating(l)), nil
	case state.ExpiresAt == nil:
		return ok(about(l), "%s, with no end that is known", kind), nil
	case state.ExpiresAt.After(x.now):
		return ok(about(l), "%s, good for another %s", kind, brief(state.ExpiresAt.Sub(x.now))), nil
	}
	ended := fmt.Sprintf("%s: its password ended %s ago", kind, brief(x.now.Sub(*state.ExpiresAt)))
	if len(x.overdue(l.ID)) == 0 {
		return ok(about(l), "%s; the next refresh renews it", ended), nil
	}
	return fail(about(l), ended+", views are overdue, and nobody renews it", "Look for failed runs (`cachectl "+
		"runs`): whoever "+
		"refreshes needs permission to ask AWS. "+rotating(l)+" renews it now, and says what AWS refuses."), nil
}

func examineRest(_ context.Context, x *exam, l catalog.Link) (Check, error) {
	state := x.rests[l.ID]
	if state.RestUntil == nil || !state.RestUntil.After(x.now) {
		return ok(about(l), "it does not rest"), nil
	}
	why := ""
	if state.RestReason != nil {
		why = ": " + *state.RestReason
	}
	return warn(about(l), fmt.Sprintf("it rests for another %s%s", brief(state.RestUntil.Sub(x.now)), why),
		"No view of it is due until then. Resume the cluster if it is paused; `cachectl refresh` tries at once."), nil
}
