package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// ErrNoPgBouncer means that there is no PgBouncer on this machine.
var ErrNoPgBouncer = errors.New("no pgbouncer found on PATH or in /usr/sbin; install it (make deps), " +
	"or name its binary in REDCACHE_TEST_PGBOUNCER")

// PoolerConfig says how a pooler differs from a default one in transaction mode.
type PoolerConfig struct {
	// Mode is transaction when empty, or session, or statement.
	Mode string
	// Size is how many server connections each pair of user and database shares; 0 is PgBouncer's own 20.
	Size int
	// TLS makes clients use TLS, with a certificate for the address that [Pooler.URL] has clients verify.
	TLS bool
	// Settings are written to pgbouncer.ini after the others.
	Settings map[string]string
}

// Pooler is one PgBouncer in front of all databases of a [Cluster], which lets its [Owner] and [Superuser] in with
// their own passwords. Whatever [PoolerConfig] does not name is as PgBouncer has it by default.
type Pooler struct {
	Host string
	Port int
	Dir  string // holds pgbouncer.ini and pooler.log

	cluster *Cluster
	cfg     PoolerConfig
	server  *server
}

// PoolerFor starts a pooler that ends with the test, and whose files are kept when the test failed.
func PoolerFor(t testing.TB, c *Cluster, cfg PoolerConfig) *Pooler {
	t.Helper()
	p, err := StartPooler(t.Context(), c, cfg)
	if err != nil {
		t.Fatalf("start pooler: %v", err)
	}
	t.Cleanup(func() {
		stop := p.Stop
		if t.Failed() {
			t.Logf("the pooler's log is kept in %s", p.Dir)
			stop = func() error { return p.Halt(true) }
		}
		if err := stop(); err != nil {
			t.Errorf("stop pooler: %v", err)
		}
	})
	return p
}

// StartPooler starts a pooler and waits until it accepts connections. The caller must Stop it.
func StartPooler(ctx context.Context, c *Cluster, cfg PoolerConfig) (_ *Pooler, err error) {
	p := &Pooler{Host: c.Host, cluster: c, cfg: cfg}
	if p.Port, err = freePort(p.Host); err != nil {
		return nil, err
	}
	if p.Dir, err = os.MkdirTemp("", "redcache-pooler-"); err != nil {
		return nil, fmt.Errorf("make pooler directory: %w", err)
	}
	if err = p.configure(); err == nil {
		err = p.Resume(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	return p, nil
}

// Stop ends the pooler at once and removes its directory.
func (p *Pooler) Stop() error {
	return errors.Join(p.Halt(true), os.RemoveAll(p.Dir))
}

// Halt ends the pooler, and leaves it to be started again by [Pooler.Resume]. With crash it is killed; else it waits for
// the transactions that are open.
func (p *Pooler) Halt(crash bool) error {
	if p.server == nil {
		return nil
	}
	how := fast
	if crash {
		how = syscall.SIGKILL
	}
	err := p.server.stop(how)
	p.server = nil
	return err
}

// Resume starts a halted pooler on the port it had.
func (p *Pooler) Resume(ctx context.Context) error {
	bin, err := pgBouncer()
	if err != nil {
		return err
	}
	cmd := exec.Command(bin, p.file("pgbouncer.ini"))
	cmd.Dir = p.Dir
	p.server, err = launch{
		cmd: cmd, account: p.cluster.account, log: p.file("pooler.log"), ready: "process up",
	}.start(ctx)
	return err
}

// Log returns all that the pooler has logged.
func (p *Pooler) Log() (string, error) {
	text, err := os.ReadFile(p.file("pooler.log"))
	return string(text), err
}

// URL returns the connection URL of a database for a login.
func (p *Pooler) URL(database, user, password string) string {
	query := "sslmode=disable"
	if p.cfg.TLS {
		query = "sslmode=verify-full&sslrootcert=" + url.QueryEscape(p.file(certificateFile))
	}
	u := url.URL{
		Scheme: "postgres", Host: net.JoinHostPort(p.Host, strconv.Itoa(p.Port)), Path: "/" + database,
		User: url.UserPassword(user, password), RawQuery: query,
	}
	return u.String()
}

// OwnerURL returns the ordinary role's connection URL of a database.
func (p *Pooler) OwnerURL(database string) string {
	return p.URL(database, Owner, p.cluster.OwnerPassword)
}

// Console runs a command on the pooler's console, SHOW SERVERS for instance, and returns its rows by column name.
func (p *Pooler) Console(ctx context.Context, command string) ([]map[string]any, error) {
	config, err := pgx.ParseConfig(p.URL("pgbouncer", Superuser, p.cluster.SuperPassword))
	if err != nil {
		return nil, fmt.Errorf("open console: %w", err)
	}
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol // the only one that it understands
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open console: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, command)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return pgx.CollectRows(rows, pgx.RowToMap)
}

func (p *Pooler) file(name string) string { return filepath.Join(p.Dir, name) }

func (p *Pooler) configure() error {
	settings := map[string]string{
		"listen_addr": p.Host, "listen_port": strconv.Itoa(p.Port), "unix_socket_dir": "",
		"auth_type": "scram-sha-256", "auth_file": p.file("userlist.txt"), "admin_users": Superuser,
		"pool_mode": "transaction",
	}
	if p.cfg.Mode != "" {
		settings["pool_mode"] = p.cfg.Mode
	}
	if p.cfg.Size > 0 {
		settings["default_pool_size"] = strconv.Itoa(p.cfg.Size)
	}
	files := map[string][]byte{
		"userlist.txt": fmt.Appendf(nil, "%q %q\n%q %q\n", Owner, p.cluster.OwnerPassword, Superuser, p.cluster.SuperPassword),
	}
	if p.cfg.TLS {
		certificate, key, err := selfSigned(p.Host)
		if err != nil {
			return err
		}
		files[certificateFile], files[keyFile] = certificate, key
		settings["client_tls_sslmode"] = "require"
		settings["client_tls_cert_file"], settings["client_tls_key_file"] = p.file(certificateFile), p.file(keyFile)
	}
	var ini strings.Builder
	fmt.Fprintf(&ini, "[databases]\n* = host=%s port=%d\n[pgbouncer]\n", p.cluster.Host, p.cluster.Port)
	for _, chosen := range []map[string]string{settings, p.cfg.Settings} {
		for name, value := range chosen {
			fmt.Fprintf(&ini, "%s = %s\n", name, value)
		}
	}
	files["pgbouncer.ini"] = []byte(ini.String())
	for name, content := range files {
		if err := os.WriteFile(p.file(name), content, 0o600); err != nil {
			return fmt.Errorf("configure pooler: %w", err)
		}
		if err := p.cluster.account.own(p.file(name)); err != nil {
			return err
		}
	}
	return p.cluster.account.own(p.Dir)
}

// pgBouncer finds the binary. Ordinary users of Debian have not got its directory on their PATH.
func pgBouncer() (string, error) {
	for _, name := range []string{os.Getenv("REDCACHE_TEST_PGBOUNCER"), "pgbouncer", "/usr/sbin/pgbouncer"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", ErrNoPgBouncer
}
