package lambdatest

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redcache/redcache/internal/logtest"
)

// Config is a function.
type Config struct {
	Binary  string
	Env     []string      // all of it, but for what Lambda adds
	Timeout time.Duration // of one invocation; default 3s, as Lambda's
	// StopGrace is the time between SIGTERM and SIGKILL; default 500ms, as Lambda's. Busy machines need more.
	StopGrace time.Duration
}

const (
	defaultTimeout = 3 * time.Second
	initLimit      = 10 * time.Second // Lambda's, from the start of the process until it asks for its first invocation
	defaultGrace   = 500 * time.Millisecond
)

// Environment is one execution environment of a function: one process, or none before the first invocation and after
// one that ended it.
type Environment struct {
	cfg    Config
	server *http.Server
	addr   string

	turn sync.Mutex // held by the invocation under way
	mu   sync.Mutex
	proc *process
	out  logtest.Log // of all its processes
	log  logtest.Log
}

// process is one life of the function.
type process struct {
	cmd       *exec.Cmd
	exited    chan struct{}
	asks      chan struct{}    // it asks for an invocation
	next      chan *invocation // and gets one
	current   *invocation      // nil between two
	extension bool             // it has registered as one, so that it gets SIGTERM
	frozen    bool
}

// New returns an environment without a process, and ends what it has at the end of the test.
func New(t testing.TB, cfg Config) *Environment {
	t.Helper()
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	cfg.StopGrace = cmp.Or(cfg.StopGrace, defaultGrace)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &Environment{cfg: cfg, addr: listener.Addr().String()}
	e.server = &http.Server{Handler: e.routes()}
	served := make(chan error, 1)
	go func() { served <- e.server.Serve(listener) }()
	t.Cleanup(func() {
		e.Kill()
		_ = e.server.Close() // its connections are those of a process that is dead
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("runtime API: %v", err)
		}
		if t.Failed() {
			t.Logf("%s\n%s", cfg.Binary, e.Log())
		}
	})
	return e
}

// Result is how an invocation ended. All but one of its parts are empty.
type Result struct {
	Payload  []byte // what the function answered
	Error    string // what it reported as its failure, as JSON
	TimedOut bool   // and was killed
	Exited   bool   // without an answer

	Cold bool          // a process was started for it
	Init time.Duration // until the process asked for an invocation; zero unless it was started
	Took time.Duration // from the hand-over to the answer
}

// Failed says whether Lambda counts the invocation as an error.
func (r Result) Failed() bool { return r.Error != "" || r.TimedOut || r.Exited }

// String is the result in one line.
func (r Result) String() string {
	switch {
	case r.TimedOut:
		return "timed out"
	case r.Exited:
		return "exited without an answer"
	case r.Error != "":
		return "failed: " + r.Error
	}
	return string(r.Payload)
}

// Invoke hands an event to the function, starts or thaws its process for that, and freezes it when it is ready for the
// next one. Calls queue. After a deadline the process is killed.
func (e *Environment) Invoke(event []byte) (Result, error) {
	e.turn.Lock()
	defer e.turn.Unlock()
	var r Result
	started := time.Now()
	p, cold, err := e.process()
	if err != nil {
		return r, err
	}
	r.Cold = cold
	limit := time.NewTimer(initLimit)
	defer limit.Stop()
	select {
	case <-p.asks:
	case <-p.exited:
		r.Exited = true
		e.forget(p)
		return r, nil
	case <-limit.C:
		e.kill(p)
		return r, fmt.Errorf("start function: no call for an invocation within %s", initLimit)
	}
	if cold {
		r.Init = time.Since(started)
	}
	e.run(p, newInvocation(event, e.cfg.Timeout), &r)
	return r, nil
}

// run hands an invocation to a process that asks for one.
func (e *Environment) run(p *process, i *invocation, r *Result) {
	e.mu.Lock()
	p.current = i
	e.mu.Unlock()
	began := time.Now()
	p.next <- i
	deadline := time.NewTimer(time.Until(i.deadline))
	defer deadline.Stop()
	select {
	case a := <-i.answer:
		r.Payload, r.Error, r.Took = a.payload, a.failure, time.Since(began)
	case <-p.exited:
		r.Exited, r.Took = true, time.Since(began)
		e.forget(p)
		return
	case <-deadline.C:
		r.TimedOut, r.Took = true, time.Since(began)
		e.kill(p)
		return
	}
	select { // the invocation lasts until the process asks for the next one
	case <-p.asks:
		p.asks <- struct{}{}
		e.freeze(p)
	case <-p.exited:
		e.forget(p)
	case <-deadline.C:
		e.kill(p)
	}
}

// process returns the process, thawed, or starts one.
func (e *Environment) process() (p *process, cold bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proc != nil {
		e.thaw(e.proc)
		return e.proc, false, nil
	}
	p = &process{exited: make(chan struct{}), asks: make(chan struct{}, 1), next: make(chan *invocation)}
	p.cmd = exec.Command(e.cfg.Binary)
	p.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + e.addr, "AWS_LAMBDA_FUNCTION_NAME=function", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "_HANDLER=bootstrap", "AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
	}, e.cfg.Env...)
	p.cmd.Stdout, p.cmd.Stderr = &e.out, &e.log
	diesWithParent(p.cmd)
	e.proc = p
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the kernel's death signal is tied to the thread that forked
		defer close(p.exited)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // that it ended is all that Lambda looks at
		}
	}()
	if err := <-started; err != nil {
		e.proc = nil
		return nil, false, fmt.Errorf("start function: %w", err)
	}
	return p, true, nil
}

func (e *Environment) freeze(p *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p.current = nil
	p.frozen = p.cmd.Process.Signal(syscall.SIGSTOP) == nil
}

// thaw wants e.mu.
func (e *Environment) thaw(p *process) {
	if p.frozen {
		_ = p.cmd.Process.Signal(syscall.SIGCONT) // a process that is gone is found to be by whoever waits for it
		p.frozen = false
	}
}

// kill ends the process, and waits for that.
func (e *Environment) kill(p *process) {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.exited
	e.forget(p)
}

func (e *Environment) forget(p *process) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.proc == p {
		e.proc = nil
	}
}

// Kill ends the process at once, also in the middle of an invocation.
func (e *Environment) Kill() {
	if p := e.now(); p != nil {
		e.kill(p)
	}
}

// Shutdown ends the process as Lambda does when it needs an environment no more: thawed, told by SIGTERM if it asked for
// that, and killed half a second later. It says whether the process was told, and ended by itself. Lambda does so
// between two invocations; here it may be in the middle of one.
func (e *Environment) Shutdown() (told, ended bool) {
	p := e.now()
	if p == nil {
		return false, true
	}
	e.mu.Lock()
	e.thaw(p)
	told = p.extension
	e.mu.Unlock()
	if told {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case <-p.exited:
			ended = true
		case <-time.After(e.cfg.StopGrace):
		}
	}
	e.kill(p)
	return told, ended
}

// Pause stops the process in the middle of an invocation, as a machine does that hangs. Lambda does not.
func (e *Environment) Pause() error {
	p := e.now()
	if p == nil {
		return errors.New("pause function: it has no process")
	}
	return p.cmd.Process.Signal(syscall.SIGSTOP)
}

func (e *Environment) now() *process {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.proc
}

// Stdout returns what the function wrote on its standard output, and Log what on its standard error, so far.
func (e *Environment) Stdout() []byte { return []byte(e.out.String()) }

// Log returns what the function wrote on its standard error so far.
func (e *Environment) Log() string { return e.log.String() }
