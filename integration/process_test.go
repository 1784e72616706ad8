package integration_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a running program. What it wrote may be read once it has ended.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan struct{}
	err            error // of Wait
}

// start starts a program, and kills it at the end of the test if it is still there.
func (w *world) start(t testing.TB, env []string, name string, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program(name), args...), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = w.environ(env...), &p.stdout, &p.stderr
	diesWithParent(p.cmd)
	started := make(chan error, 1)
	go func() {
		// The kernel's death signal is tied to the thread that forked, so that thread stays with the process.
		runtime.LockOSThread()
		defer close(p.ended)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	w.mu.Lock()
	w.processes = append(w.processes, p)
	w.mu.Unlock()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() && p.stderr.Len() > 0 {
			t.Logf("%s %s\n%s", name, strings.Join(args, " "), tail(p.stderr.String()))
		}
	})
	return p
}

// tail is the end of a long text.
func tail(text string) string {
	const enough = 8000
	return text[max(0, len(text)-enough):]
}

// worker starts a worker that looks for work often and says all that it has to say.
func (w *world) worker(t testing.TB, env ...string) *process {
	t.Helper()
	env = append([]string{"REDCACHE_POLL=100ms", "REDCACHE_LOG_LEVEL=debug", "REDCACHE_CONCURRENCY=5"}, env...)
	return w.start(t, env, "worker")
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.ended
}

// stop asks the process to stop, and wants it to do so in good order.
func (p *process) stop(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatalf("stop %s: %v", p.cmd.Path, err)
	}
	if code := p.wait(t, time.Minute); code != 0 {
		t.Errorf("%s stopped with exit status %d", p.cmd.Path, code)
	}
}

// wait waits for the end of the process and returns its exit status.
func (p *process) wait(t testing.TB, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		t.Fatalf("%s %q still runs after %s", p.cmd.Path, p.cmd.Args[1:], limit)
	}
	return p.cmd.ProcessState.ExitCode()
}

// alive fails the test when the process has ended.
func (p *process) alive(t testing.TB) {
	t.Helper()
	select {
	case <-p.ended:
		t.Errorf("%s has ended: %v", p.cmd.Path, p.err)
	default:
	}
}

// cachectl runs a command that has to succeed, and returns what it printed.
func (w *world) cachectl(t testing.TB, args ...string) string {
	t.Helper()
	p := w.start(t, nil, "cachectl", args...)
	if code := p.wait(t, 2*time.Minute); code != 0 {
		t.Fatalf("cachectl %s: exit status %d\n%s", strings.Join(args, " "), code, p.stderr.String())
	}
	return p.stdout.String()
}

// refused runs a command that has to end with an exit status, and returns what it said.
func (w *world) refused(t testing.TB, want int, env []string, args ...string) string {
	t.Helper()
	p := w.start(t, env, "cachectl", args...)
	if code := p.wait(t, 2*time.Minute); code != want {
		t.Errorf("cachectl %s: exit status %d, want %d", strings.Join(args, " "), code, want)
	}
	return p.stderr.String()
}
