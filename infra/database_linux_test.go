package infra_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/redcache/redcache/internal/pgtest"
)

func TestOpenPool_KeepsConnectionsAlive(t *testing.T) {
	t.Parallel()
	conn, err := openPool(t, pgtest.New(t).URL).Acquire(t.Context())
	if err != nil {
		t.Fatalf("acquire: %v", err)
	}
	defer conn.Release()
	raw, err := conn.Conn().PgConn().Conn().(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatalf("look at the socket: %v", err)
	}
	option := func(level, name int) (value int) {
		t.Helper()
		var readErr error
		err := raw.Control(func(fd uintptr) { value, readErr = syscall.GetsockoptInt(int(fd), level, name) })
		if err != nil || readErr != nil {
			t.Fatalf("read socket option: %v, %v", err, readErr)
		}
		return value
	}
	on := option(syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
	idle := option(syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
	interval := option(syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL)
	count := option(syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT)
	if silence := idle + interval*count; on == 0 || silence != 35 {
		t.Errorf("keepalive %d notices silence after %d s, want 35 s", on, silence)
	}
}
