package main

import (
	"cmp"
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/dblink"
)

type linkAddOptions struct {
	link         catalog.Link
	login        linkLogin
	dryRun, json bool
}

func (p *program) linkAddCommand() *cobra.Command {
	var o linkAddOptions
	cmd := &cobra.Command{
		Use:                   "add NAME --password-env V|--cluster ID|--workgroup W|--secret A",
		DisableFlagsInUseLine: true,
		Short:                 "Make a link and prove that it works",
		Long: `Makes the foreign server and the user mapping, and opens a session through them. When that fails, nothing is left
behind. It is the cache database that connects to Redshift, so it is there that the host must resolve and the port
must be open.

The password is read from the environment variable that --password-env names. Or AWS issues it, for an hour: to a login
of a cluster (--cluster with --db-user), to the identity that cachectl and the worker have in AWS (--cluster with --iam,
or --workgroup); or Secrets Manager keeps it (--secret). Such a password is renewed before a refresh when it is about to
end. It never appears in an SQL text. What AWS or the secret tell of host, port, user and database may be left out.

With --address private, AWS tells the address inside the VPC, now and before each refresh; the host stays the name that
the certificate is for.`,
		Example: `  DW_PASSWORD=… cachectl link add dw --database prod --user cache_ro \
    --host dw.abc123.eu-central-1.redshift.amazonaws.com \
    --password-env DW_PASSWORD
  cachectl link add dw --host dw.example.com --hostaddr 10.0.3.7 \
    --database prod --user cache_ro --password-env DW_PASSWORD \
    --sslmode verify-full --sslrootcert /etc/ssl/redshift.pem
  cachectl link add dw --cluster prod --db-user cache_ro --database prod \
    --address private
  cachectl link add lake --workgroup analytics --database dev \
    --region eu-central-1
  cachectl link add dw --secret \
    arn:aws:secretsmanager:eu-central-1:123456789012:secret:dw-cache-AbCdEf`,
		Args:              takes(1, 1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.link.Name = args[0]
			password, err := o.check(p.lookup)
			if err != nil {
				return err
			}
			return p.inCatalog(cmd.Context(), func(s *connection) error {
				return doing(s.addLink(cmd.Context(), o, password), "add link %s", o.link.Name)
			})
		},
	}
	o.register(cmd)
	return cmd
}

func (o *linkAddOptions) register(cmd *cobra.Command) {
	f, l := cmd.Flags(), &o.link
	addresses := []catalog.AddressMode{catalog.GivenAddress, catalog.PrivateAddress}
	l.Address = catalog.GivenAddress
	f.StringVar(&l.Host, "host", "", "`name` of the cluster's or workgroup's endpoint")
	f.StringVar(&l.HostAddr, "hostaddr", "", "`address` to connect to when the cache database cannot resolve the host to it")
	f.IntVar(&l.Port, "port", 0, "`port` of the endpoint (default 5439, or what AWS or the secret tell)")
	f.StringVar(&l.Database, "database", "", "`name` of the database on Redshift")
	f.StringVar(&o.login.user, "user", "", "`name` of the login on Redshift that the password is for")
	f.StringVar(&o.login.passwordFrom, "password-env", "", "`name` of the environment variable that holds the password")
	f.StringVar(&l.Cluster, "cluster", "", "`identifier` of the cluster that AWS is asked about")
	f.StringVar(&o.login.dbUser, "db-user", "", "`name` of the cluster's login that AWS issues passwords for")
	f.BoolVar(&o.login.iam, "iam", false, "log in to the cluster as the identity that this process has in AWS")
	f.StringVar(&l.Workgroup, "workgroup", "", "`name` of the workgroup of Redshift Serverless that AWS is asked about")
	f.StringVar(&l.Secret, "secret", "", "`ARN` of the secret in Secrets Manager that has the login")
	f.StringVar(&l.Region, "region", "", "`region` of all of these (default the secret's, or the one that AWS_REGION or "+
		"the profile say)")
	f.Var(oneOf[catalog.AddressMode]{&l.Address, addresses}, "address", "where the address comes from: given (the host, "+
		"or --hostaddr) or private (AWS tells the one inside the VPC, before each refresh)")
	f.StringVar(&l.Zone, "zone", "", "availability `zone` whose private address is preferred, that of the cache database")
	f.StringVar(&l.SSLMode, "sslmode", "require", "libpq's `mode`: disable, allow, prefer, require, verify-ca or verify-full")
	f.StringVar(&l.SSLRootCert, "sslrootcert", "", "`file` on the database server with the authority's certificate")
	f.IntVar(&l.MaxConcurrency, "max-concurrency", 4, "`number` of refreshes that may read over the link at once")
	f.BoolVar(&o.dryRun, "dry-run", false, dryRunHelp)
	f.BoolVar(&o.json, "json", false, jsonHelp)
	_ = cmd.RegisterFlagCompletionFunc("sslmode", words("disable", "allow", "prefer", "require", "verify-ca", "verify-full"))
	_ = cmd.RegisterFlagCompletionFunc("address", words(addresses...))
}

// check finds what is wrong before anything is connected to, and fetches the password.
func (o *linkAddOptions) check(lookup func(string) (string, bool)) (password string, err error) {
	if err := o.login.apply(&o.link); err != nil {
		return "", err
	}
	if err := checkSource(o.link); err != nil {
		return "", err
	}
	if err := o.complete(); err != nil {
		return "", err
	}
	if err := o.link.Validate(); err != nil {
		return "", usage(err, "")
	}
	if o.link.Credentials != catalog.PasswordCredentials {
		return "", nil
	}
	return passwordIn(lookup, o.login.passwordFrom, "add …")
}

// complete names what is missing and what nobody else will tell.
func (o *linkAddOptions) complete() error {
	l := &o.link
	told := l.Credentials != catalog.PasswordCredentials
	var missing []string
	for _, flag := range []struct {
		name, value string
		told        bool
	}{
		{"--host", l.Host + l.HostAddr, l.Managed()},
		{"--database", l.Database, l.Credentials == catalog.SecretCredentials},
		{"--user", l.User, told},
	} {
		if flag.value == "" && !flag.told {
			missing = append(missing, flag.name)
		}
	}
	if len(missing) > 0 {
		return usagef("", "%s missing: %s", count(len(missing), "flag is", "flags are"), strings.Join(missing, ", "))
	}
	if !l.Managed() {
		l.Port = cmp.Or(l.Port, redshiftPort)
	}
	return nil
}

// redshiftPort is the port of a cluster, unless its owner chose another.
const redshiftPort = 5439

func (s *connection) addLink(ctx context.Context, o linkAddOptions, password string) error {
	if o.dryRun {
		return s.planLink(ctx, o, password)
	}
	link, err := s.keeper.Provision(ctx, o.link, password)
	if err != nil {
		return dblink.UntriedHint(err) // there is no such link
	}
	state, err := s.linkState(ctx, link)
	if err != nil {
		return err
	}
	if o.json {
		return s.printJSON(recordLink(link, state))
	}
	until := ""
	if state.ExpiresAt != nil {
		until = "; the password ends " + expiry(state) + ", and is renewed before"
	}
	return s.printf("link %s added: %s answers at %s:%d%s\n",
		link.Name, link.Database, cmp.Or(link.Host, link.HostAddr), link.Port, until)
}

// planLink asks AWS for nothing: what only AWS or a secret know is not in the plan.
func (s *connection) planLink(ctx context.Context, o linkAddOptions, password string) error {
	steps, err := s.keeper.PlanProvision(ctx, o.link, password)
	if err != nil {
		return err
	}
	if later := o.learned(); len(later) > 0 {
		steps[0].Notes = append(steps[0].Notes, "AWS is asked before, and completes: "+strings.Join(later, ", "))
	}
	return s.printPlan(planOf("link "+o.link.Name, steps), o.json)
}

// learned is what the plan does not know.
func (o *linkAddOptions) learned() (names []string) {
	l := o.link
	for _, fact := range []struct {
		name  string
		known bool
	}{
		{"host", l.Host+l.HostAddr != ""},
		{"hostaddr", l.Address == catalog.GivenAddress},
		{"port", l.Port != 0},
		{"dbname", l.Database != ""},
		{"user", l.User != "" && l.Credentials == catalog.PasswordCredentials},
		{"password", l.Credentials == catalog.PasswordCredentials},
	} {
		if !fact.known {
			names = append(names, fact.name)
		}
	}
	return names
}
