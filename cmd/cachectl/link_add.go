package main

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
)

type linkAddOptions struct {
	link         catalog.Link
	passwordFrom string // name of an environment variable
	dryRun, json bool
}

func (p *program) linkAddCommand() *cobra.Command {
	var o linkAddOptions
	cmd := &cobra.Command{
		Use:   "add NAME --host H --database D --user U --password-env VAR",
		Short: "Make a link and prove that it works",
		Long: `Makes the foreign server and the user mapping, and opens a session through them. When that fails, nothing is left
behind. It is the cache database that connects to Redshift, so it is there that the host must resolve and the port
must be open.

The password is read from the environment variable that --password-env names, and never appears in an SQL text.`,
		Example: `  DW_PASSWORD=… cachectl link add dw --host dw.abc123.eu-central-1.redshift.amazonaws.com --database prod \
    --user cache_ro --password-env DW_PASSWORD
  cachectl link add dw --host dw.example.com --hostaddr 10.0.3.7 --database prod --user cache_ro \
    --password-env DW_PASSWORD --sslmode verify-full --sslrootcert /etc/ssl/redshift.pem`,
		Args:              takes(1, 1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.link.Name = args[0]
			password, err := o.check(p.lookup)
			if err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *session) error {
				return doing(s.addLink(cmd.Context(), o, password), "add link %s", o.link.Name)
			})
		},
	}
	o.register(cmd)
	return cmd
}

func (o *linkAddOptions) register(cmd *cobra.Command) {
	f, l := cmd.Flags(), &o.link
	f.StringVar(&l.Host, "host", "", "`name` of the cluster's or workgroup's endpoint")
	f.StringVar(&l.HostAddr, "hostaddr", "", "`address` to connect to when the cache database cannot resolve the host to it")
	f.IntVar(&l.Port, "port", 5439, "`port` of the endpoint")
	f.StringVar(&l.Database, "database", "", "`name` of the database on Redshift")
	f.StringVar(&l.User, "user", "", "`name` of the login on Redshift")
	f.StringVar(&o.passwordFrom, "password-env", "", "`name` of the environment variable that holds the password")
	f.StringVar(&l.SSLMode, "sslmode", "require", "libpq's `mode`: disable, allow, prefer, require, verify-ca or verify-full")
	f.StringVar(&l.SSLRootCert, "sslrootcert", "", "`file` on the database server with the authority's certificate")
	f.IntVar(&l.MaxConcurrency, "max-concurrency", 4, "`number` of refreshes that may read over the link at once")
	f.BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	f.BoolVar(&o.json, "json", false, jsonHelp)
	_ = cmd.RegisterFlagCompletionFunc("sslmode", words("disable", "allow", "prefer", "require", "verify-ca", "verify-full"))
}

// check finds what is wrong before anything is connected to, and fetches the password.
func (o *linkAddOptions) check(lookup func(string) (string, bool)) (password string, err error) {
	var missing []string
	for _, flag := range []struct{ name, value string }{
		{"--host", o.link.Host + o.link.HostAddr},
		{"--database", o.link.Database},
		{"--user", o.link.User},
		{"--password-env", o.passwordFrom},
	} {
		if flag.value == "" {
			missing = append(missing, flag.name)
		}
	}
	if len(missing) > 0 {
		return "", usagef("", "%s missing: %s", count(len(missing), "flag is", "flags are"), strings.Join(missing, ", "))
	}
	if err := o.link.Validate(); err != nil {
		return "", usage(err, "")
	}
	// Somebody may have written the password itself, so the flag's value is not repeated.
	password, _ = lookup(o.passwordFrom)
	if password == "" {
		return "", usagef("put the password into a variable, and give the variable's name: "+
			"read -rs DW_PASSWORD; export DW_PASSWORD; cachectl link add … --password-env DW_PASSWORD",
			"the environment variable that --password-env names is not set")
	}
	return password, nil
}

// errUndo rolls back what only had to be tried.
var errUndo = errors.New("undo")

func (s *session) addLink(ctx context.Context, o linkAddOptions, password string) error {
	if o.dryRun {
		return s.planLink(ctx, o)
	}
	link, err := catalog.ProvisionLink(ctx, s.pool, o.link, catalog.Login{Password: password})
	if err != nil {
		return err
	}
	if o.json {
		return s.printJSON(recordLink(link))
	}
	return s.printf("link %s added: %s answers at %s:%d\n", link.Name, link.Database, link.Host+link.HostAddr, link.Port)
}

func (s *session) planLink(ctx context.Context, o linkAddOptions) error {
	err := infra.InTx(ctx, s.pool, infra.Limits{}, func(tx pgx.Tx) error {
		if _, err := catalog.In(tx).AddLink(ctx, o.link); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		return err
	}
	var plan []stepRecord
	for _, sql := range o.link.Server().CreateSQL() {
		plan = append(plan, stepRecord{"link " + o.link.Name, "create server", sql})
	}
	if err := s.printPlan(plan, o.json); err != nil || o.json {
		return err
	}
	return s.printf("-- Then the user mapping: its password is handed over beside the SQL and never appears in a statement's text.\n")
}
