package access_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/redcache/redcache/access"
	"github.com/redcache/redcache/catalog"
	"github.com/redcache/redcache/infra"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/plan"
	"github.com/redcache/redcache/sql"
)

// What a dry run prints of a link is what runs, whoever gives the login: the plan has the statements that the server then logs.
// It differs in what only AWS or a secret tell, and in the password, which neither of them has.
func TestPlan_IsWhatRuns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  func(b *bundle, l *catalog.Link)
		learned []string // options of the server
	}{
		{"password", func(b *bundle, l *catalog.Link) {
			l.Credentials, l.Cluster, l.Host, l.Port = catalog.PasswordCredentials, "", b.source.Host(), b.source.Port()
		}, nil},
		{"cluster", func(*bundle, *catalog.Link) {}, []string{"host", "port"}},
		{"cluster, at its private address", func(_ *bundle, l *catalog.Link) {
			l.Address = catalog.PrivateAddress
		}, []string{"host", "hostaddr", "port"}},
		{"cluster with IAM", func(_ *bundle, l *catalog.Link) {
			l.Credentials, l.User = catalog.ClusterIAMCredentials, ""
		}, []string{"host", "port"}},
		{"workgroup", func(_ *bundle, l *catalog.Link) {
			l.Credentials, l.User, l.Cluster, l.Workgroup = catalog.WorkgroupCredentials, "", "", "adhoc"
		}, []string{"host", "port"}},
		{"secret", func(b *bundle, l *catalog.Link) {
			l.Credentials, l.User, l.Cluster, l.Secret = catalog.SecretCredentials, "", "", b.secret(redshiftsim.Password)
		}, []string{"host", "port"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			p := &logged{b, pgtest.LogStatements(t, b.cache), tt.learned}
			p.keeper, p.pool = b.another(t, quick), openPool(t, b.cache.URL) // connections whose statements are logged
			asked, link := b.link(), catalog.Link{}
			tt.change(b, &asked)
			asked.Name = `d"w '` + "\n"
			p.compare(t, "add", func() ([]plan.Step, error) { return p.keeper.PlanProvision(t.Context(), asked, redshiftsim.Password) },
				func() (err error) {
					link, err = p.keeper.Provision(t.Context(), asked, redshiftsim.Password)
					return err
				})

			password := ""
			if asked.Credentials == catalog.PasswordCredentials {
				password = redshiftsim.Password
			}
			rotate := func(what string) {
				p.compare(t, what, func() ([]plan.Step, error) { return p.keeper.PlanRotate(t.Context(), link, password) },
					func() error { return p.keeper.Rotate(t.Context(), link, password) })
			}
			rotate("rotate")
			if _, err := p.pool.Exec(t.Context(), "DROP SERVER "+sql.Ident(link.Server().Name)+" CASCADE"); err != nil {
				t.Fatal(err)
			}
			rotate("rotate what somebody has dropped")
			p.compare(t, "remove", func() ([]plan.Step, error) {
				return plan.Rehearse(t.Context(), p.pool, infra.Limits{}, func(r *plan.Rehearsal) error {
					return access.RemoveLink(t.Context(), r, link)
				})
			}, func() error { return access.RemoveLink(t.Context(), p.pool, link) })
		})
	}
}

// What a plan says of the catalog and of the user mapping comes to what is there then.
func TestPlan_ComesToTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := b.link()
	asked.Credentials, asked.Cluster, asked.Host, asked.Port = catalog.PasswordCredentials, "", b.source.Host(), b.source.Port()
	asked.Name = "it's \\ \"odd\"\n\u202e"
	steps, err := b.keeper.PlanProvision(t.Context(), asked, redshiftsim.Password)
	if err != nil {
		t.Fatal(err)
	}
	state := func(db infra.DB) (state string) {
		t.Helper()
		if err := db.QueryRow(t.Context(), `
			SELECT concat((SELECT string_agg((to_jsonb(l) - 'id' - 'created_at')::text, ', ') FROM (SELECT * FROM redcache.link) l),
			              (SELECT string_agg(concat(srvname, srvoptions), ', ') FROM pg_foreign_server),
			              (SELECT string_agg(concat(srvname, usename, o.option_value), ', ') FROM pg_user_mappings, pg_options_to_table(umoptions) o
			               WHERE o.option_name = 'user'))`).Scan(&state); err != nil {
			t.Fatal(err)
		}
		return state
	}
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }() // the pool waits for it
	for _, step := range steps {
		if _, err := tx.Exec(t.Context(), step.SQL, pgx.QueryExecModeExec); err != nil {
			t.Fatalf("%s: %v", step.SQL, err)
		}
	}
	planned := state(tx)
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	link := b.provision(t, asked)
	if done := state(b.pool); planned != done {
		t.Errorf("the plan comes to %q, the thing itself to %q", planned, done)
	}
	if steps, err = plan.Rehearse(t.Context(), b.pool, infra.Limits{}, func(r *plan.Rehearsal) error {
		return access.RemoveLink(t.Context(), r, link)
	}); err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if _, err := b.pool.Exec(t.Context(), step.SQL); err != nil {
			t.Fatalf("%s: %v", step.SQL, err)
		}
	}
	if left := state(b.pool); left != "" {
		t.Errorf("the plan to remove it leaves %q", left)
	}
}

// logged is a bundle whose server logs all statements of the cache database.
type logged struct {
	*bundle
	log     pgtest.Statements
	learned []string
}

// compare holds what a dry run says against what the server logs of the same thing, and what it logs of the dry run against
// nothing.
func (p *logged) compare(t *testing.T, what string, dryRun func() ([]plan.Step, error), do func() error) {
	t.Helper()
	before, asked := p.log.Until(t), p.asked()
	steps, err := dryRun()
	if err != nil {
		t.Fatalf("%s: the dry run: %v", what, err)
	}
	middle := p.log.Until(t)
	if stayed := p.log.Changing(t, before, middle); stayed != nil {
		t.Errorf("%s: the dry run left behind what was done by %q", what, stayed)
	}
	if now := p.asked(); now != asked {
		t.Errorf("%s: the dry run asked AWS %d times", what, now-asked)
	}
	if err := do(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	var planned []string
	for _, step := range steps {
		planned = append(planned, pgtest.Comparable(step.SQL))
	}
	logged := p.log.Changing(t, middle, p.log.Until(t))
	if diff := cmp.Diff(p.told(planned), p.told(logged)); diff != "" {
		t.Errorf("%s (-planned +logged):\n%s", what, diff)
	}
	for _, secret := range append(p.aws.Issued(), redshiftsim.Password) {
		if strings.Contains(strings.Join(append(planned, logged...), "\n"), secret) {
			t.Errorf("%s: the plan or the log has a password:\n%q\n%q", what, planned, logged)
		}
	}
}

func (p *logged) asked() (n int) {
	for _, action := range []string{getCredentials, getIAMCredentials, getWorkgroupLogin, getSecret, describeClusters, "redshift-serverless:GetWorkgroup"} {
		n += p.aws.Count(action)
	}
	return n
}

var (
	mapping = regexp.MustCompile(`^(DROP USER MAPPING IF EXISTS .*\nCREATE USER MAPPING .*|CREATE TEMPORARY TABLE redcache_secret .*\ncopy "pg_temp"\."redcache_secret" .*\n` +
		`DO \$redcache\$.*\nDROP TABLE pg_temp\.redcache_secret)$`)
	values = regexp.MustCompile(`VALUES \([^)]*\)|link_id = \S+\)|id = \S+$`)
)

// told are statements without what only AWS tells, without the values that the catalog gets, and with one line for what makes a
// user mapping: of the password the plan has nothing, and the log not even the statement.
func (p *logged) told(statements []string) (told []string) {
	for _, statement := range statements {
		for _, name := range p.learned {
			statement = regexp.MustCompile(`"`+name+`" '[^']*'(, )?`).ReplaceAllString(statement, "")
		}
		if pgtest.InCatalog.MatchString(statement) {
			statement = values.ReplaceAllString(statement, "")
		}
		told = append(told, statement)
	}
	for at := range told {
		for _, many := range []int{2, 4} {
			if end := at + many; end <= len(told) && mapping.MatchString(strings.Join(told[at:end], "\n")) {
				return p.states(slices.Replace(told, at, end, "the user mapping"))
			}
		}
	}
	return p.states(told)
}

// states leaves out what notes when a login was renewed and an address looked up.
func (*logged) states(told []string) []string {
	return slices.DeleteFunc(told, func(statement string) bool {
		return strings.Contains(statement, "UPDATE redcache.link_state")
	})
}
