package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// childWord makes this program run another one and report what that took, in a process in between: its only thread of
// control waits for its only child, so that the times are right however busy the readers keep this process.
const childWord = "run-measured"

// usage is what a process took.
type usage struct {
	Seconds float64 `json:"seconds"`     // from its start to its end
	CPU     float64 `json:"cpu_seconds"` // user and system
	RSS     float64 `json:"rss_mb"`      // MiB at the peak
}

// add joins the usage of two processes that ran at the same time.
func (u usage) add(other usage) usage {
	return usage{Seconds: max(u.Seconds, other.Seconds), CPU: u.CPU + other.CPU, RSS: u.RSS + other.RSS}
}

// reportFD is where the process in between writes the usage.
const reportFD = 3

// runChild is the process in between. It returns the exit status of the program that it ran.
func runChild(args []string) int {
	syscall.CloseOnExec(reportFD)
	u, status, err := watchChild(args)
	if err == nil {
		err = json.NewEncoder(os.NewFile(reportFD, "report")).Encode(u)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(status, 1)
	}
	return status
}

func watchChild(args []string) (u usage, status int, err error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return u, 1, err
	}
	var took time.Duration
	ended := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		took = time.Since(start)
		ended <- err
	}()
	for err, running := error(nil), true; running; {
		u.RSS = max(u.RSS, peakMemory(cmd.Process.Pid))
		select {
		case err = <-ended:
			running = false
		case <-time.After(sampleEvery):
		}
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			return u, 1, err
		}
	}
	state := cmd.ProcessState
	u.Seconds, u.CPU = took.Seconds(), (state.UserTime() + state.SystemTime()).Seconds()
	return u, state.ExitCode(), nil
}

// sampleEvery is how often a process's peak is read. The peak only grows, so what can be missed is what a process grows
// by in the last moment before its end.
const sampleEvery = 5 * time.Millisecond

// peakMemory returns the most memory that a process has had so far, in MiB, or 0 where the kernel does not say. The
// kernel also tells it of a process that has ended, but there the peak starts with that of the process that forked it.
func peakMemory(pid int) float64 {
	kib, err := strconv.Atoi(strings.TrimSuffix(procField(fmt.Sprintf("/proc/%d/status", pid), "VmHWM"), " kB"))
	if err != nil {
		return 0
	}
	return float64(kib) / 1024
}

// command is a program to be measured.
type command struct {
	name   string
	args   []string
	env    []string // beyond this process's own
	stdin  io.Reader
	stdout io.Writer
}

// process is a running command.
type process struct {
	cmd    *exec.Cmd
	report *os.File
	stderr bytes.Buffer
}

func (c command) start(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	report, written, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	p := &process{report: report}
	p.cmd = exec.CommandContext(ctx, self, append([]string{childWord, c.name}, c.args...)...)
	p.cmd.Env = append(ownEnvironment(), c.env...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = c.stdin, c.stdout, &p.stderr
	p.cmd.ExtraFiles = []*os.File{written}
	err = p.cmd.Start()
	_ = written.Close() // ours; the process has its own
	if err != nil {
		_ = report.Close()
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	return p, nil
}

// wait returns when the process has ended. A process that failed is an error, with what it said.
func (p *process) wait() (u usage, err error) {
	defer p.report.Close()
	reported := json.NewDecoder(p.report).Decode(&u)
	if err := p.cmd.Wait(); err != nil {
		return u, fmt.Errorf("%s: %w\n%s", strings.Join(p.cmd.Args[2:], " "), err, bytes.TrimSpace(p.stderr.Bytes()))
	}
	if reported != nil {
		return u, fmt.Errorf("read usage of %s: %w", p.cmd.Args[2], reported)
	}
	return u, nil
}

// run starts a command and waits for it.
func (c command) run(ctx context.Context) (usage, error) {
	p, err := c.start(ctx)
	if err != nil {
		return usage{}, err
	}
	return p.wait()
}

// ownEnvironment is this process's, without what speaks to the programs and to libpq.
func ownEnvironment() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "REDCACHE_") && !strings.HasPrefix(entry, "PG") {
			env = append(env, entry)
		}
	}
	return env
}
