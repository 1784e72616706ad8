package pgtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// Owner is the ordinary role that the product runs as in tests; its password is [Cluster.OwnerPassword].
const Owner = "redcache_owner"

// Reader is the ordinary role that applications read as in tests; its password is [Cluster.ReaderPassword]. It belongs
// to no other role and sees of other roles' sessions what everybody does.
const Reader = "redcache_reader"

// Superuser is the bootstrap role of a cluster. Only the test's own set-up and faults use it.
const Superuser = "postgres"

const template = "redcache_template"

// Config says how a cluster differs from the default one.
type Config struct {
	// BinDir holds initdb and postgres; empty means [BinDir].
	BinDir string
	// Settings are written to postgresql.conf after the defaults.
	Settings map[string]string
	// Extensions are the extensions of the template database; nil means dblink and postgres_fdw.
	Extensions []string
	// InMemory keeps the files in memory where there is room, as [New] and [StartFor] do.
	InMemory bool
}

// Cluster is one running server. Its methods may be called from several goroutines, except that Stop, Halt and Resume are
// called by one of them.
type Cluster struct {
	Host           string
	Port           int    // does not change, so that it may be read while the server is started again
	Dir            string // holds data/ and server.log
	SuperPassword  string
	OwnerPassword  string
	ReaderPassword string

	bin     string
	place   *place
	keep    atomic.Bool
	server  *server
	serial  atomic.Int64
	bases   sync.Map // of the functions that make them, by name
	account *account
}

// Start makes a cluster and waits until it accepts connections. The caller must Stop it.
func Start(ctx context.Context, cfg Config) (_ *Cluster, err error) {
	bin := cfg.BinDir
	if bin == "" {
		if bin, err = BinDir(); err != nil {
			return nil, err
		}
	}
	c := &Cluster{
		Host: "127.0.0.1", bin: bin, SuperPassword: randomHex(), OwnerPassword: randomHex(), ReaderPassword: randomHex(),
	}
	if c.account, err = unprivileged(); err != nil {
		return nil, err
	}
	if err = c.settle(cfg.InMemory); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	if err = c.initdb(ctx, cfg); err != nil {
		return c, err
	}
	if err = c.startAnywhere(ctx); err != nil {
		return c, err
	}
	return c, c.bootstrap(ctx, cfg)
}

// Stop ends the server at once and removes its directory, unless [Cluster.Keep] was called.
func (c *Cluster) Stop() error {
	var err error
	if c.server != nil {
		err = c.server.stop(fast)
		c.server = nil
	}
	return errors.Join(err, c.place.leave(c.keep.Load()))
}

// Keep makes Stop leave the directory for a human to look at, and returns where it will be.
func (c *Cluster) Keep() string {
	c.keep.Store(true)
	return c.place.kept
}

// Halt ends the server, and leaves it to be started again by [Cluster.Resume]. With crash, it ends as if it had been
// killed: no checkpoint, no goodbye to its clients.
func (c *Cluster) Halt(crash bool) error {
	how := fast
	if crash {
		how = immediate
	}
	err := c.server.stop(how)
	c.server = nil
	return err
}

// Resume starts a halted server on the port it had.
func (c *Cluster) Resume(ctx context.Context) error { return c.start(ctx) }

// URL returns the connection URL of a database for a login.
func (c *Cluster) URL(database, user, password string) string {
	u := url.URL{
		Scheme: "postgres", Host: net.JoinHostPort(c.Host, strconv.Itoa(c.Port)), Path: "/" + database,
		User: url.UserPassword(user, password), RawQuery: "sslmode=disable",
	}
	return u.String()
}

// AdminURL returns the superuser's connection URL of a database.
func (c *Cluster) AdminURL(database string) string {
	return c.URL(database, Superuser, c.SuperPassword)
}

// OwnerURL returns the ordinary role's connection URL of a database.
func (c *Cluster) OwnerURL(database string) string { return c.URL(database, Owner, c.OwnerPassword) }

// ReaderURL returns the connection URL of a database for an application that reads.
func (c *Cluster) ReaderURL(database string) string {
	return c.URL(database, Reader, c.ReaderPassword)
}

// CreateDatabase clones the template into a new database that [Owner] owns, and returns its name.
func (c *Cluster) CreateDatabase(ctx context.Context) (string, error) {
	name := c.nextName()
	return name, c.create(ctx, name, template)
}

func (c *Cluster) nextName() string { return "t" + strconv.FormatInt(c.serial.Add(1), 10) }

func (c *Cluster) create(ctx context.Context, name, from string) error {
	return c.Admin(ctx, "postgres", "CREATE DATABASE "+name+" OWNER "+Owner+" TEMPLATE "+from+c.strategy())
}

// strategy has a database copied file by file, as servers before 15 always do. By way of the log it takes twice as long.
func (c *Cluster) strategy() string {
	text, err := os.ReadFile(filepath.Join(c.data(), "PG_VERSION"))
	if major, _ := strconv.Atoi(string(bytes.TrimSpace(text))); err != nil || major < 15 {
		return ""
	}
	return " STRATEGY file_copy"
}

// DropDatabase drops a database and ends the sessions in it.
func (c *Cluster) DropDatabase(ctx context.Context, name string) error {
	return c.Admin(ctx, "postgres", "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
}

// Admin runs statements as the superuser, each in a transaction of its own.
func (c *Cluster) Admin(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, c.AdminURL(database))
	if err != nil {
		return fmt.Errorf("connect as superuser: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func (c *Cluster) data() string { return filepath.Join(c.Dir, "data") }

func (c *Cluster) initdb(ctx context.Context, cfg Config) error {
	password := filepath.Join(c.Dir, "password")
	if err := os.WriteFile(password, []byte(c.SuperPassword), 0o600); err != nil {
		return fmt.Errorf("write password file: %w", err)
	}
	if err := c.account.own(c.Dir, password); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, "initdb"), "-D", c.data(), "-U", Superuser,
		"-A", "scram-sha-256", "--pwfile", password, "-E", "UTF8", "--no-locale", "--no-sync")
	cmd.Dir = c.Dir
	c.account.run(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, bytes.TrimSpace(out))
	}
	if err := os.Remove(password); err != nil {
		return fmt.Errorf("remove password file: %w", err)
	}
	settings := map[string]string{
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
		"max_connections": "200", "shared_buffers": "128MB", "max_wal_size": "4GB",
		"listen_addresses": "'" + c.Host + "'", "unix_socket_directories": "''",
		"log_line_prefix": "'%m [%p] %q%u@%d '", "timezone": "'UTC'", "log_timezone": "'UTC'",
	}
	var conf strings.Builder
	for _, chosen := range []map[string]string{settings, cfg.Settings} {
		for name, value := range chosen {
			fmt.Fprintf(&conf, "%s = %s\n", name, value)
		}
	}
	file := filepath.Join(c.data(), "postgresql.auto.conf")
	if err := os.WriteFile(file, []byte(conf.String()), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return c.account.own(file)
}

// startAnywhere starts the server for the first time, on a port that is free.
func (c *Cluster) startAnywhere(ctx context.Context) (err error) {
	const tries = 3 // a port that was free a moment ago may be taken by now
	for range tries {
		if c.Port, err = freePort(c.Host); err != nil {
			return err
		}
		if err = c.start(ctx); err == nil {
			return nil
		}
	}
	return err
}

func (c *Cluster) start(ctx context.Context) (err error) {
	c.server, err = startServer(ctx, c)
	return err
}

func (c *Cluster) bootstrap(ctx context.Context, cfg Config) error {
	extensions := cfg.Extensions
	if extensions == nil {
		extensions = []string{"dblink", "postgres_fdw"}
	}
	statements := []string{"CREATE DATABASE " + template + c.strategy()}
	for role, password := range map[string]string{Owner: c.OwnerPassword, Reader: c.ReaderPassword, Superuser: c.SuperPassword} {
		secret, err := Secret(password)
		if err != nil {
			return err
		}
		if role != Superuser {
			statements = append(statements, "CREATE ROLE "+role+" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE")
		}
		statements = append(statements, "ALTER ROLE "+role+" PASSWORD '"+secret+"'")
	}
	if err := c.Admin(ctx, "postgres", statements...); err != nil {
		return err
	}
	statements = nil
	for _, name := range extensions {
		statements = append(statements, "CREATE EXTENSION "+name)
		if name == "postgres_fdw" {
			statements = append(statements, "GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO "+Owner)
		}
	}
	return c.Admin(ctx, template, statements...)
}

func freePort(host string) (int, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

func randomHex() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	return hex.EncodeToString(b[:])
}
