package doctor_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redcache/redcache/doctor"
	"github.com/redcache/redcache/internal/pgtest"
)

func TestReplicationSlots(t *testing.T) {
	t.Parallel()
	b := setup(t, "max_wal_size", "32MB")
	b.sudo(t, `SELECT pg_create_physical_replication_slot('forgotten', true)`)
	b.wants(t, "replication-slots", doctor.OK, "1 replication slot")
	b.writeLog(t)
	b.wants(t, "replication-slots", doctor.Warning, "replication slot forgotten", "nobody reads from it",
		"pg_drop_replication_slot")
}

// writeLog fills more log than max_wal_size.
func (b *bundle) writeLog(t testing.TB) {
	t.Helper()
	for range 4 { // segments of 16 MB
		b.sudo(t, `CREATE TABLE public.logged (a int); DROP TABLE public.logged`)
		b.sudo(t, `SELECT pg_switch_wal()`)
	}
}

// A standby is a copy of everything, made as an operator makes it. On it, nothing can be refreshed; of it, the primary
// knows how far behind it is.
func TestReplicas(t *testing.T) {
	t.Parallel()
	b := setup(t, "max_wal_size", "32MB", "wal_keep_size", "1GB") // what it has not fetched yet must stay
	b.add(t, "sales", nil)
	standby := startStandby(t, b.cluster)
	replica := *b
	replica.connect(t, standby.OwnerURL(b.name))
	checks := replica.examine(t)
	wants(t, checks, "primary", doctor.Failed, "this server is a standby", "name the primary")
	wants(t, checks, "view-empty", doctor.OK) // what can be checked is
	wants(t, checks, "replicas", doctor.OK)

	b.wants(t, "primary", doctor.OK)
	b.wants(t, "replicas", doctor.Unknown, "replica away", "pg_read_all_stats")
	b.sudo(t, `GRANT pg_read_all_stats TO redcache_owner`)
	b.wants(t, "replicas", doctor.OK, "1 replica, none far behind")
	execute(t, pgtest.OpenPool(t, standby.AdminURL(b.name)), `SELECT pg_wal_replay_pause()`)
	b.writeLog(t)
	deadline := time.Now().Add(20 * time.Second)
	for row(t, b.admin, `SELECT coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), r.replay_lsn)), 0) > 32 * 1024 * 1024
		FROM pg_stat_replication r, pg_sleep(0.02)`) != "(t)" {
		if time.Now().After(deadline) {
			t.Fatal("the standby does not fall behind")
		}
	}
	b.wants(t, "replicas", doctor.Warning, "replica away", "of log")
}

// startStandby copies a running cluster, and has the copy follow it until the test ends.
func startStandby(t *testing.T, primary *pgtest.Cluster) *pgtest.Cluster {
	t.Helper()
	bin, err := pgtest.BinDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(primary.Dir, "standby")
	run := func(ctx context.Context, program string, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, program), args...)
		cmd.Dir, cmd.Env = primary.Dir, append(os.Environ(), "PGPASSWORD="+primary.SuperPassword)
		cmd.SysProcAttr = ownerOf(t, primary.Dir)
		return cmd
	}
	copied := run(t.Context(), "pg_basebackup", "-R", "-c", "fast", "-D", dir, "-d", fmt.Sprintf(
		"host=%s port=%d user=%s application_name=away", primary.Host, primary.Port, pgtest.Superuser))
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("copy cluster: %v\n%s", err, out)
	}
	standby := &pgtest.Cluster{
		Host: primary.Host, Port: freePort(t, primary.Host), SuperPassword: primary.SuperPassword, OwnerPassword: primary.OwnerPassword,
	}
	server := run(context.WithoutCancel(t.Context()), "postgres", "-D", dir, "-p", strconv.Itoa(standby.Port))
	messages, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	streams, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(messages); lines.Scan(); { // to the end: a full pipe would stop the server
			if strings.Contains(lines.Text(), "started streaming WAL") {
				close(streams)
			}
		}
	}()
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGINT) // it may have ended
		<-ended
		if err := server.Wait(); err != nil {
			t.Errorf("stop standby: %v", err)
		}
	})
	select {
	case <-streams:
	case <-ended:
		t.Fatal("the standby ended")
	}
	return standby
}

func freePort(t *testing.T, host string) int {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// ownerOf makes a command run as the user to whom a directory belongs: servers refuse to run as root.
func ownerOf(t *testing.T, dir string) *syscall.SysProcAttr {
	t.Helper()
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	if me, err := user.Current(); err == nil && me.Uid == strconv.Itoa(int(owner.Uid)) {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
}
