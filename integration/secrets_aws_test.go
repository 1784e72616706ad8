package integration_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/awssim"
)

// The password that Secrets Manager keeps, and one that the keeper of a secret got wrong.
const (
	vaultPassword = "Wd6KeptInAVault"
	wrongInVault  = "Yp2AlmostRight"
	byAWS         = "IAM:" + login // what AWS makes of the login's name
)

// liveWithAWS does what happens to links whose logins AWS issues: they end, are refused, renewed and rotated. It
// returns the secrets that this has taken.
func (w *world) liveWithAWS(t *testing.T) (secrets []string) {
	t.Helper()
	aws := awssim.Start(t)
	cluster := aws.Cluster("prod", w.source)
	w.env = aws.Env()
	arn := vault(aws, wrongInVault)
	issued := []string{
		"link", "add", "issued", "--cluster", "prod", "--db-user", login, "--database", w.sourceDB, "--address", "private",
	}
	kept := []string{"link", "add", "kept", "--secret", arn, "--database", w.sourceDB, "--host", w.source.Host(), "--port", fmt.Sprint(w.source.Port())}
	cluster.Set(func(d *awssim.Description) { d.Users = nil })
	w.refused(t, 1, nil, issued...)
	cluster.Set(func(d *awssim.Description) { d.Users = []string{login} })
	w.cachectl(t, append(issued, "--dry-run")...)
	w.cachectl(t, issued...)
	w.refused(t, 1, nil, kept...)
	w.source.SetPassword(login, vaultPassword)
	vault(aws, vaultPassword)
	w.cachectl(t, kept...)
	for _, view := range []string{"bi.by_dblink --link issued --transport dblink", "bi.by_stream --link issued --transport stream", "bi.kept --link kept"} {
		w.cachectl(t, append([]string{"add-view"}, strings.Fields(view+" --strategy merge --key id --table public.item --every 1s")...)...)
	}
	w.source.ExpirePassword(byAWS)
	w.cachectl(t, "refresh", "bi.by_dblink")
	w.source.ExpirePassword(byAWS)
	w.cachectl(t, "refresh", "bi.by_stream")
	vault(aws, wrongInVault)
	w.source.SetPassword(login, wrongCachePassword)
	w.refused(t, 1, nil, "refresh", "bi.kept")
	w.refused(t, 1, nil, "link", "rotate", "kept")
	vault(aws, vaultPassword)
	w.source.SetPassword(login, vaultPassword)
	for _, command := range []string{"link rotate issued", "link rotate kept", "link test issued", "link list --json", "locks"} {
		w.cachectl(t, strings.Fields(command)...)
	}
	w.workOnShortLogins(t, aws)
	w.source.SetPassword(login, password)
	secrets = []string{vaultPassword, wrongInVault, secretKey(w.env)}
	for _, one := range aws.Issued() {
		_, random, _ := strings.Cut(one, " ") // which no quoting changes
		secrets = append(secrets, random)
	}
	return secrets
}

// vault keeps a password in Secrets Manager.
func vault(aws *awssim.AWS, password string) (arn string) {
	return aws.Secret("dw", fmt.Sprintf(`{"username": %q, "password": %q}`, login, password))
}

func secretKey(env []string) string {
	for _, entry := range env {
		if key, found := strings.CutPrefix(entry, "AWS_SECRET_ACCESS_KEY="); found {
			return key
		}
	}
	return "no key"
}

// workOnShortLogins lets a worker go through several logins, some of which are refused.
func (w *world) workOnShortLogins(t *testing.T, aws *awssim.AWS) {
	t.Helper()
	const action = "redshift:GetClusterCredentials"
	aws.Lifetime(2 * time.Second)
	w.cachectl(t, "link", "rotate", "issued")
	worker, before := w.worker(t), aws.Count(action)
	for i := 1; i <= 3; i++ {
		eventually(t, patience, func() error {
			if n := aws.Count(action); n < before+2*i {
				return fmt.Errorf("%d logins were issued to the worker", n-before)
			}
			return nil
		})
		w.source.ExpirePassword(byAWS)
	}
	worker.stop(t)
}
