package doctest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
	"github.com/redcache/redcache/internal/redshiftsim/customers"
	"github.com/redcache/redcache/internal/redshiftsim/tickit"
)

// What the documents call things.
const (
	database   = "app"
	role       = "redcache"
	remoteRole = "cache_ro"
	remoteHost = "dw.abc123.eu-central-1.redshift.amazonaws.com"
	remotePort = "--port 5439"
)

// walk is a reader who does what the documents say, block by block.
type walk struct {
	cluster   *pgtest.Cluster
	warehouse *redshiftsim.Server
	engine    string // superuser's URL of the database behind the stand-in
	own       string // password of the cache's role
	remote    string // password on Redshift
	dir       string // where the reader works, with the examples
}

// begin makes the world as a reader finds it: a server without extensions and roles, and a Redshift with a login that
// may read nothing.
func begin(t *testing.T) *walk {
	t.Helper()
	w := &walk{own: "o'wn \\$ecret", remote: `Choose-1 of "your' own\`, dir: t.TempDir()}
	examples, err := filepath.Abs(filepath.Join(root, "examples"))
	if err := errors.Join(err, os.Symlink(examples, filepath.Join(w.dir, "examples"))); err != nil {
		t.Fatal(err)
	}
	w.cluster = pgtest.StartFor(t, pgtest.Config{
		Extensions: []string{}, // somebody else has to make them
		Settings:   map[string]string{"log_statement": "'all'"},
	})
	if err := w.cluster.Admin(t.Context(), "postgres", "CREATE DATABASE "+database, "CREATE DATABASE dev"); err != nil {
		t.Fatal(err)
	}
	w.engine = w.cluster.AdminURL("dev")
	if err := redshiftsim.Prepare(t.Context(), w.engine); err != nil {
		t.Fatal(err)
	}
	if err := tickit.Load(t.Context(), w.engine, tickit.Options{Sales: 2000}); err != nil {
		t.Fatal(err)
	}
	w.warehouse = redshiftsim.StartFor(t, redshiftsim.Config{
		EngineURL: w.engine, Restricted: map[string]string{remoteRole: w.remote},
	})
	return w
}

// run does what a block says, in the place that its mark names, and returns what a shell prints.
func (w *walk) run(t *testing.T, b block) string {
	t.Helper()
	switch b.run {
	case "redshift":
		w.sql(t, w.engine, b.text)
	case "cache-admin":
		w.sql(t, w.cluster.AdminURL(database), b.text)
		password := strings.ReplaceAll(w.own, "'", "''")
		w.sql(t, w.cluster.AdminURL(database), `ALTER ROLE redcache PASSWORD '`+password+`'`)
	case "cache":
		w.sql(t, w.url(), w.real(b.text))
	case "reader":
		for _, result := range w.sql(t, w.cluster.AdminURL(database), "SET ROLE dashboard; "+b.text)[1:] {
			if len(result.Rows) == 0 {
				t.Errorf("the reader gets no row from %s", b.text)
			}
		}
	case "refused":
		return w.command(t, "", "bash", "-euo", "pipefail", "-c", "if "+strings.TrimSpace(w.real(b.text))+"; then exit 99; fi")
	case "shell", "rotated":
		return w.command(t, "", "bash", "-euo", "pipefail", "-c", w.real(b.text))
	default:
		t.Fatalf("there is no place called %s", b.run)
	}
	return ""
}

// real puts what exists in the place of what a document invents.
func (w *walk) real(text string) string {
	return strings.NewReplacer(remoteHost, w.warehouse.Host(), remotePort, "--port "+strconv.Itoa(w.warehouse.Port())).
		Replace(text)
}

func (w *walk) url() string { return w.cluster.URL(database, role, w.own) }

func (w *walk) sql(t *testing.T, url, text string) []*pgconn.Result {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	results, err := conn.Exec(t.Context(), text).ReadAll()
	if err != nil {
		t.Fatalf("%v, in:\n%s", err, text)
	}
	return results
}

func (w *walk) command(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = []string{
		"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"DATABASE_URL=" + w.url(), "DW_PASSWORD=" + w.remote,
	}
	cmd.Stdin, cmd.Dir = strings.NewReader(stdin), w.dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", strings.Join(args, " "), err, stdin, out.String())
	}
	return out.String()
}

// marked are the blocks of a page that can be run.
func marked(t *testing.T, path string, least int) []block {
	t.Helper()
	var blocks []block
	for _, b := range read(t, path).blocks {
		if b.run != "" {
			blocks = append(blocks, b)
		}
	}
	if len(blocks) < least {
		t.Fatalf("%s: found %d blocks to run only", path, len(blocks))
	}
	return blocks
}

// Whoever does what the README says, and then what the operations page says, gets what they promise.
func TestWalk_WorksAsWritten(t *testing.T) {
	t.Parallel()
	w := begin(t)
	for _, b := range marked(t, "README.md", 5) {
		t.Logf("README.md:%d, %s\n%s", b.line, b.run, w.run(t, b))
	}
	w.wantCopies(t, "bi.revenue", "bi.users", "bi.sales")

	for _, b := range marked(t, "docs/operations.md", 6) {
		if b.run == "rotated" { // the password, on Redshift
			w.remote = `Another-1 'of" your\ own`
			w.warehouse.SetPassword(remoteRole, w.remote)
		}
		t.Logf("docs/operations.md:%d, %s\n%s", b.line, b.run, w.run(t, b))
	}
	w.command(t, "", "bash", "-c", "cachectl link test dw && cachectl refresh --all")
	w.wantSecretsKept(t)
}

// A change that breaks what others read is refused, made when that is meant, and taken back, as the page on pipelines says.
func TestWalk_AChangeIsRefusedMadeAndTakenBack(t *testing.T) {
	t.Parallel()
	w := begin(t)
	for _, statement := range customers.Tables {
		w.sql(t, w.engine, statement)
	}
	for _, b := range marked(t, "README.md", 5) {
		w.run(t, b)
	}
	for _, b := range marked(t, "docs/pipelines.md", 8) {
		t.Logf("docs/pipelines.md:%d, %s\n%s", b.line, b.run, w.run(t, b))
	}
	const picture = "cachectl graph public.mv_customer_health --format mermaid"
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if drawn := w.command(t, "", "bash", "-c", picture); err != nil || !strings.Contains(string(readme), "```mermaid\n"+drawn+"```\n") {
		t.Errorf("the README does not have what %s prints, %v:\n%s", picture, err, drawn)
	}
}

// wantCopies checks that views have rows, and that the reader knows how fresh they are.
func (w *walk) wantCopies(t *testing.T, views ...string) {
	t.Helper()
	for _, view := range views {
		results := w.sql(t, w.cluster.AdminURL(database), fmt.Sprintf(
			"SET ROLE dashboard; SELECT (SELECT count(*) FROM %s) > 0, as_of IS NOT NULL FROM redcache.freshness WHERE view = '%[1]s'", view))
		if got := fmt.Sprintf("%s", results[1].Rows); got != "[[t t]]" {
			t.Errorf("%s: has rows, and as-of: got %s, want both", view, got)
		}
	}
}

// wantSecretsKept checks that no password of the link is in the server's log, which has every statement.
func (w *walk) wantSecretsKept(t *testing.T) {
	t.Helper()
	log, err := w.cluster.Log()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log, "CREATE TEMPORARY TABLE redcache_secret") {
		t.Fatal("the log does not have the statements")
	}
	for _, part := range []string{"Choose-1", "Another-1"} {
		if strings.Contains(log, part) {
			t.Errorf("the log has a password: %s", part)
		}
	}
}

// A dump has the passwords and the incremental rows; restoring it refreshes the materialized views.
func TestBackup_IsRestoredAsWritten(t *testing.T) {
	t.Parallel()
	w := begin(t)
	for _, b := range marked(t, "README.md", 5) {
		w.run(t, b)
	}
	dir, err := pgtest.BinDir()
	if err != nil {
		t.Fatal(err)
	}
	dump := w.command(t, "", filepath.Join(dir, "pg_dump"), w.cluster.AdminURL(database))
	if !strings.Contains(dump, "Choose-1") {
		t.Error("the dump does not have the password")
	}
	for _, name := range []string{"restored", "detached"} {
		if err := w.cluster.Admin(t.Context(), "postgres", "CREATE DATABASE "+name); err != nil {
			t.Fatal(err)
		}
	}
	restored, psql := w.cluster.AdminURL("restored"), filepath.Join(dir, "psql")
	w.command(t, dump, psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", restored)
	const copies = `SELECT (SELECT count(*) FROM bi.revenue), (SELECT count(*) FROM bi.users), (SELECT count(*) FROM bi.sales)`
	want := fmt.Sprintf("%s", w.sql(t, w.cluster.AdminURL(database), copies)[0].Rows)
	if got := fmt.Sprintf("%s", w.sql(t, restored, copies)[0].Rows); got != want {
		t.Errorf("restored rows: got %s, want %s", got, want)
	}
	w.cachectlIn(t, "restored", "refresh", "--all")

	w.warehouse.Pause()
	w.command(t, dump, psql, "-X", "-q", w.cluster.AdminURL("detached"))
	w.sql(t, w.cluster.AdminURL("detached"), "SELECT salesid FROM bi.sales")
	if err := w.warehouse.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.cachectlIn(t, "detached", "refresh", "bi.users", "bi.revenue", "--strategy", "nonconcurrent")
	if got := fmt.Sprintf("%s", w.sql(t, w.cluster.AdminURL("detached"), copies)[0].Rows); got != want {
		t.Errorf("rows restored without Redshift: got %s, want %s", got, want)
	}
}

// cachectlIn runs cachectl on another database than the reader's.
func (w *walk) cachectlIn(t *testing.T, database string, args ...string) {
	t.Helper()
	url := w.cluster.URL(database, role, w.own)
	w.command(t, "", filepath.Join(bin, "cachectl"), append(args, "--database-url", url)...)
}

var catalogWord = regexp.MustCompile(`\bredcache\.([a-z_]+)(?:\.([a-z_]+))?`)

// Every relation and column of the catalog that a document names exists.
func TestCatalog_HasWhatIsNamed(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{})
	name, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "cachectl"), "init")
	cmd.Env = []string{"DATABASE_URL=" + cluster.OwnerURL(name)}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	conn := pgtest.Connect(t, cluster.OwnerURL(name))
	found := 0
	for _, d := range documents(t) {
		for _, match := range catalogWord.FindAllStringSubmatch(strings.Join(d.code(), "\n"), -1) {
			found++
			var exists bool
			err := conn.QueryRow(t.Context(), `
				SELECT EXISTS (SELECT FROM information_schema.columns
				               WHERE table_schema = 'redcache' AND table_name = $1 AND $2::text IN ('', column_name))`,
				match[1], match[2]).Scan(&exists)
			if err != nil {
				t.Fatal(err)
			}
			if !exists {
				t.Errorf("%s: the catalog has no %s", d.path, match[0])
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d names only", found)
	}
}
