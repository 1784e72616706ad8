package session_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/redshift"
	"github.com/redcache/redcache/redshift/session"
)

// benchColumns make rows of about 100 bytes, of the types that facts and orders are made of.
var benchColumns = []struct{ name, kind, value string }{
	{"id", "bigint", "i"},
	{"customer_id", "integer", "(i * 7919 % 100003)::integer"},
	{"quantity", "integer", "(i % 50)::integer"},
	{"amount", "numeric(18,4)", "(i * 31 % 1000003)::numeric / 100"},
	{"note", "character varying(64)", "'order ' || md5(i::text)"},
	{"active", "boolean", "i % 3 = 0"},
	{"score", "double precision", "(i * 104729 % 1000003) / 1000.0"},
	{"created_at", "timestamp without time zone", "timestamp '2018-01-01' + i * interval '1 second'"},
	{"updated_at", "timestamp without time zone", "timestamp '2018-01-01' + i * interval '1 second'"},
}

// benchmark is a plain PostgreSQL as the source and another one as the cache.
type benchmark struct {
	source, cache *pgtest.Cluster
	sourcePool    *pgxpool.Pool
	cachePool     *pgxpool.Pool
	rows          int
	definition    string
	columns       []redshift.Column
}

func setupBenchmark(b *testing.B) *benchmark {
	b.Helper()
	rows, err := strconv.Atoi(os.Getenv("BENCH_ROWS"))
	if err != nil {
		rows = 100_000
	}
	m := &benchmark{source: pgtest.StartFor(b, pgtest.Config{}), cache: pgtest.StartFor(b, pgtest.Config{}), rows: rows}
	values := ""
	for i, c := range benchColumns {
		comma := ", "
		if i == 0 {
			comma = ""
		}
		m.definition += comma + c.name + " " + c.kind
		values += comma + c.value
		m.columns = append(m.columns, column(c.name, c.kind))
	}
	m.sourcePool = pgtest.OpenPool(b, m.source.AdminURL("postgres"))
	m.cachePool = pgtest.OpenPool(b, m.cache.AdminURL("postgres"))
	mustExec(b, m.sourcePool, "CREATE FUNCTION getdate() RETURNS timestamp LANGUAGE sql AS 'SELECT localtimestamp'")
	mustExec(b, m.sourcePool, "CREATE TABLE t ("+m.definition+")")
	mustExec(b, m.sourcePool, fmt.Sprintf("INSERT INTO t SELECT %s FROM generate_series(1::bigint, %d) AS i", values, rows))
	mustExec(b, m.sourcePool, "VACUUM (FREEZE, ANALYZE) t")
	mustExec(b, m.cachePool, "CHECKPOINT")
	return m
}

func (m *benchmark) session(b *testing.B) *session.Session {
	b.Helper()
	return mustOpen(b, session.Config{
		Host: m.source.Host, Port: m.source.Port, Database: "postgres", User: pgtest.Superuser,
		Password: m.source.SuperPassword, SSLMode: "disable", Prepare: prepare(b, ""),
	})
}

// measure repeats one way to move the rows and reports it per row, with what this process spent on it.
func (m *benchmark) measure(b *testing.B, move func() error) {
	b.Helper()
	before, _ := spent()
	for b.Loop() {
		b.StopTimer()
		mustExec(b, m.cachePool, "DROP TABLE IF EXISTS t")
		b.StartTimer()
		if err := move(); err != nil {
			b.Fatal(err)
		}
	}
	perRow := float64(b.N) * float64(m.rows)
	b.ReportMetric(float64(b.Elapsed())/perRow, "ns/row")
	b.ReportMetric(perRow/b.Elapsed().Seconds(), "rows/s")
	after, peak := spent()
	b.ReportMetric(float64(after-before)/perRow, "cpu-ns/row")
	b.ReportMetric(float64(peak)/1024, "peak-MiB")
}

// spent is the processor time of this process, and the most memory it had, in KiB.
func spent() (cpu time.Duration, peak int64) {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // has no way to fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), u.Maxrss
}

// BenchmarkReader reads a table of BENCH_ROWS rows: into nothing, into a COPY, and the way by which it is to be
// compared, from psql to psql.
func BenchmarkReader(b *testing.B) {
	m := setupBenchmark(b)
	s := m.session(b)
	b.Run("discard", func(b *testing.B) {
		m.measure(b, func() error {
			r := mustRead(b, s, "SELECT * FROM t", m.columns...)
			defer r.Close()
			n, err := io.Copy(io.Discard, r)
			b.SetBytes(n)
			return err
		})
	})
	b.Run("copy", func(b *testing.B) {
		m.measure(b, func() error {
			r := mustRead(b, s, "SELECT * FROM t", m.columns...)
			defer r.Close()
			n, err := load(b, m.cachePool, "t", m.definition, r)
			b.SetBytes(r.Bytes())
			if err == nil && n != int64(m.rows) {
				err = fmt.Errorf("%d rows", n)
			}
			return err
		})
	})
	b.Run("psql", func(b *testing.B) { m.measure(b, m.pipe) })
}

// pipe is psql COPY | psql COPY.
func (m *benchmark) pipe() error {
	bin, err := pgtest.BinDir()
	if err != nil {
		return err
	}
	psql := filepath.Join(bin, "psql")
	read := exec.Command(psql, "-qX", "-c", "COPY t TO STDOUT (FORMAT binary)", m.source.AdminURL("postgres"))
	write := exec.Command(psql, "-qX", "-1", "-c", "CREATE TABLE t ("+m.definition+")",
		"-c", "COPY t FROM STDIN (FORMAT binary, FREEZE)", m.cache.AdminURL("postgres"))
	if write.Stdin, err = read.StdoutPipe(); err != nil {
		return err
	}
	if err := read.Start(); err != nil {
		return err
	}
	if out, err := write.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return read.Wait()
}
