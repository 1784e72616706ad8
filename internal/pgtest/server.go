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

// server is one run of a server's binary.
type server struct {
	cmd  *exec.Cmd
	done chan error
}

// launch says how a server is run.
type launch struct {
	cmd     *exec.Cmd
	account *account
	log     string // the file that its messages go to
	ready   string // what it says once it accepts connections
}

// startServer runs postgres as a child and returns when it says that it accepts connections.
func startServer(ctx context.Context, c *Cluster) (*server, error) {
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data(), "-p", strconv.Itoa(c.Port))
	cmd.Dir = c.Dir
	return launch{
		cmd: cmd, account: c.account, log: filepath.Join(c.Dir, "server.log"),
		ready: "database system is ready to accept connections",
	}.start(ctx)
}

// start runs the server as a child, which dies with this process, and returns when it is ready.
func (l launch) start(ctx context.Context) (*server, error) {
	name := filepath.Base(l.cmd.Path)
	log, err := os.OpenFile(l.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", name, err)
	}
	l.account.run(l.cmd)
	diesWithParent(l.cmd)
	stderr, err := l.cmd.StderrPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read messages of %s: %w", name, err), log.Close())
	}
	s := &server{cmd: l.cmd, done: make(chan error, 1)}
	ready := make(chan struct{})
	started := make(chan error, 1)
	go func() {
		// The kernel's death signal is tied to the thread that forked, so that thread stays with the server.
		runtime.LockOSThread()
		defer log.Close()
		if err := l.cmd.Start(); err != nil {
			started <- err
			return
		}
		started <- nil
		follow(stderr, log, l.ready, ready)
		s.done <- l.cmd.Wait()
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	select {
	case <-ready:
		return s, nil
	case err := <-s.done:
		text, _ := os.ReadFile(l.log) // the first error is the one that matters
		return nil, fmt.Errorf("%s ended while starting: %w\n%s", name, err, text)
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, context.Cause(ctx)), s.stop(immediate))
	}
}

// follow copies a server's messages to its log and closes ready when one of them has the phrase.
func follow(messages io.Reader, log io.Writer, phrase string, ready chan<- struct{}) {
	lines := bufio.NewReader(messages)
	for isReady := false; ; {
		line, err := lines.ReadString('\n')
		_, _ = io.WriteString(log, line) // a full disk must not block the server
		if !isReady && strings.Contains(line, phrase) {
			isReady = true
			close(ready)
		}
		if err != nil {
			return
		}
	}
}

// stop sends a signal and waits for the end. A server that was not asked for a good end may report a bad one.
func (s *server) stop(how syscall.Signal) error {
	if err := s.cmd.Process.Signal(how); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", filepath.Base(s.cmd.Path), err)
	}
	err := <-s.done
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && how != fast {
		return nil
	}
	return err
}
