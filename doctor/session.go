package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/infra/cloud"
	"github.com/redcache/redcache/redshift"
)

// sessionProbes are made over one session on Redshift, which the backend opens as it does for a refresh.
var sessionProbes = []struct {
	id      string
	examine func(ctx context.Context, o opened) (Check, error)
}{
	{"link-clock", examineRemoteClock},
	{"link-rights", examineRemoteRights},
}

// opened is a session with the instants between which it was opened, by the cache database's clock.
type opened struct {
	*dblink.Session
	link          catalog.Link
	before, after time.Time
}

// examineSession opens a session through a link, and makes the checks that need one. When that fails, they are unknown.
func (d *Doctor) examineSession(ctx context.Context, x *exam, l catalog.Link) []Check {
	var checks []Check
	add := func(id string, c Check) {
		c.ID, c.Theme = id, Links
		checks = append(checks, c)
	}
	err := d.reading(ctx, linkTimeout, func(tx pgx.Tx) error {
		o, took, err := open(ctx, tx, l)
		if err != nil {
			add("link-reach", d.unreached(ctx, x, l, err))
			return nil
		}
		add("link-reach", ok(about(l), "%s answers after %s", l.Database, took.Round(time.Millisecond)))
		for _, p := range sessionProbes {
			c, err := p.examine(ctx, o)
			if err != nil {
				c = undecided(about(l), redshift.Explained(err, "ask Redshift"))
			}
			add(p.id, c)
		}
		return o.Close(ctx)
	})
	if err != nil && len(checks) == 0 {
		add("link-reach", undecided(about(l), err))
	}
	for _, p := range sessionProbes[max(0, len(checks)-1):] {
		add(p.id, unknown(about(l), "no session could be opened", ""))
	}
	return checks
}

func open(ctx context.Context, tx pgx.Tx, l catalog.Link) (o opened, took time.Duration, err error) {
	o.link = l
	clock := func(at *time.Time) error {
		return tx.QueryRow(ctx, `SELECT pg_catalog.clock_timestamp()`).Scan(at)
	}
	if err := clock(&o.before); err != nil {
		return o, 0, err
	}
	if o.Session, err = dblink.Open(ctx, tx, l.Server().Name, redshift.Settings{
		QueryGroup: "redcache doctor", StatementTimeout: dblink.TrialLimit(ctx),
	}); err != nil {
		return o, 0, err
	}
	err = clock(&o.after)
	return o, o.after.Sub(o.before), err
}

// unreached says why no session could be opened.
func (d *Doctor) unreached(ctx context.Context, x *exam, l catalog.Link, err error) Check {
	step, remote := dblink.FailedStep(err)
	state := x.rests[l.ID]
	if redshift.Classify(err) == redshift.Credentials && state.ExpiresAt != nil && state.ExpiresAt.Before(x.now) {
		return unknown(about(l), fmt.Sprintf("its password ended %s ago, and the doctor does not renew it",
			brief(x.now.Sub(*state.ExpiresAt))), rotating(l)+", then ask again.")
	}
	doing := "no session could be opened"
	if remote {
		doing += " (it ended at: " + string(step) + ")"
	}
	explained := redshift.Explained(err, doing)
	finding := infra.Message(explained)
	if e, known := d.endpoint(ctx, l); known == nil && e.State != cloud.Available {
		finding += "; AWS says that it is " + e.Status
	}
	fix := infra.Hint(explained)
	if fix == "" {
		fix = infra.Command("cachectl", "link", "test", l.Name) + " tries it step by step."
	}
	return fail(about(l), finding, fix)
}

// examineRemoteClock compares the two clocks of a refresh: Redshift's says what a safety lag leaves, and the cache
// database's how old a view is. Redshift tells whole seconds.
func examineRemoteClock(_ context.Context, o opened) (Check, error) {
	theirs, err := time.Parse("2006-01-02 15:04:05", o.Clock())
	if err != nil {
		return Check{}, fmt.Errorf("read Redshift's clock: %w", err)
	}
	skew := apart(theirs, o.before.Truncate(time.Second), o.after)
	if skew.Abs() > maxSkew {
		return warn(about(o.link), fmt.Sprintf("the clocks of Redshift and of the cache database differ by %s",
			skew.Abs().Round(time.Second)), "Synchronise the cache database's clock with NTP; Redshift's is AWS's "+
			"own."), nil
	}
	return ok(about(o.link), "the clocks of Redshift and of the cache database agree"), nil
}

// superuser and writable ask Redshift what the link's login may do beside reading. The functions run on the leader
// node only, and so must be asked about pg_catalog and nothing else; they are documented for names, not for OIDs.
const (
	superuser = `SELECT current_user, usesuper FROM pg_catalog.pg_user WHERE usename = current_user`
	writable  = `
		SELECT n.nspname, c.relname
		FROM pg_catalog.pg_class c
		JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND substring(n.nspname, 1, 3) <> 'pg_'
		  AND CASE WHEN has_schema_privilege(n.nspname, 'usage') THEN
		          has_table_privilege(quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'insert')
		          OR has_table_privilege(quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'update')
		          OR has_table_privilege(quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'delete')
		      ELSE false END
		ORDER BY 1, 2
		LIMIT 4`
)

// examineRemoteRights looks for a login that can do more than read: whoever gets hold of the cache has it.
func examineRemoteRights(ctx context.Context, o opened) (Check, error) {
	row, err := o.Row(ctx, superuser, 2)
	if err != nil {
		return Check{}, err
	}
	login := deref(row[0])
	if deref(row[1]) == "t" || deref(row[1]) == "true" {
		return fail(about(o.link), "its login "+login+" is a superuser of Redshift: whoever owns the cache can do "+
			"anything there",
			"Use a login of its own with SELECT on what is cached, and nothing else."), nil
	}
	rows, err := o.Rows(ctx, writable, 2)
	if err != nil {
		return Check{}, err
	}
	var names []string
	for _, row := range rows {
		names = append(names, deref(row[0])+"."+deref(row[1]))
	}
	if names != nil {
		return warn(about(o.link), fmt.Sprintf("its login %s may write on Redshift, for instance to %s", login,
			strings.Join(names[:min(3, len(names))], ", ")), "REVOKE INSERT, UPDATE, DELETE there, or use a login "+
			"that owns nothing; the "+
			"cache only reads."), nil
	}
	return ok(about(o.link), "its login %s may not write to any table", login), nil
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
