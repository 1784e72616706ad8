package pgtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// How a server is asked to stop: https://www.postgresql.org/docs/current/server-shutdown.html
const (
	fast      = syscall.SIGINT
	immediate = syscall.SIGQUIT
)

// server is one run of the postgres binary.
type server struct {
	cmd  *exec.Cmd
	done chan error
}

// startServer runs postgres as a child and returns when it says that it accepts connections.
func startServer(ctx context.Context, c *Cluster, port int) (*server, error) {
	log, err := os.OpenFile(filepath.Join(c.Dir, "server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open server log: %w", err)
	}
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data(), "-p", strconv.Itoa(port))
	cmd.Dir = c.Dir
	c.account.run(cmd)
	diesWithParent(cmd)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read server messages: %w", err), log.Close())
	}
	s := &server{cmd: cmd, done: make(chan error, 1)}
	ready := make(chan struct{})
	started := make(chan error, 1)
	go func() {
		// The kernel's death signal is tied to the thread that forked, so that thread stays with the server.
		runtime.LockOSThread()
		defer log.Close()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		follow(stderr, log, ready)
		s.done <- cmd.Wait()
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	select {
	case <-ready:
		return s, nil
	case err := <-s.done:
		text, _ := c.Log()
		return nil, fmt.Errorf("postgres ended while starting: %w\n%s", err, text)
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("start postgres: %w", context.Cause(ctx)), s.stop(immediate))
	}
}

// follow copies the server's messages to its log and closes ready when it accepts connections.
func follow(messages io.Reader, log io.Writer, ready chan<- struct{}) {
	lines := bufio.NewReader(messages)
	for isReady := false; ; {
		line, err := lines.ReadString('\n')
		_, _ = io.WriteString(log, line) // a full disk must not block the server
		if !isReady && strings.Contains(line, "database system is ready to accept connections") {
			isReady = true
			close(ready)
		}
		if err != nil {
			return
		}
	}
}

func (s *server) stop(how syscall.Signal) error {
	if err := s.cmd.Process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop postgres: %w", err)
	}
	err := <-s.done
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && how == immediate {
		return nil // an immediate stop is reported as a failure
	}
	return err
}
