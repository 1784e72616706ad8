package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/redcache/redcache/internal/pgtest"
)

// machine says what the numbers were measured on.
func (w *world) machine(ctx context.Context) (string, error) {
	var server string
	if err := w.cacheAdmin.QueryRow(ctx, "SELECT current_setting('server_version')").Scan(&server); err != nil {
		return "", fmt.Errorf("read server version: %w", err)
	}
	server, _, _ = strings.Cut(server, " ")
	m := fmt.Sprintf("%d cores", runtime.NumCPU())
	if model := procField("/proc/cpuinfo", "model name"); model != "" {
		m += " (" + model + ")"
	}
	if kib, err := strconv.Atoi(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB")); err == nil {
		m += fmt.Sprintf(", %d GiB", (kib+1<<19)>>20)
	}
	return fmt.Sprintf("%s, %s/%s, %s, PostgreSQL %s on both sides", m, runtime.GOOS, runtime.GOARCH, runtime.Version(), server), nil
}

// procField returns the first value of a name in a file of the kernel's, or nothing where there is no such file.
func procField(path, name string) string {
	file, err := os.Open(path) //nolint:gosec // a constant
	if err != nil {
		return ""
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if key, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// clockTick is the kernel's unit of process times; Linux has shown every program the same one for decades.
const clockTick = 10 * time.Millisecond

// cpuTime is what all processes of a server have worked so far, those that have ended included. It is 0 where the
// kernel has no /proc.
func cpuTime(c *pgtest.Cluster) time.Duration {
	text, err := os.ReadFile(filepath.Join(c.Dir, "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		return 0
	}
	total := procTicks(pid, 4) // with the children that it has waited for
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return 0
	}
	for child := range strings.FieldsSeq(string(children)) {
		if pid, err := strconv.Atoi(child); err == nil {
			total += procTicks(pid, 2)
		}
	}
	return time.Duration(total) * clockTick
}

// procTicks adds up the first n of utime, stime, cutime and cstime of a process; a process that is gone has none.
func procTicks(pid, n int) (total int64) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ") // behind the name, which may have blanks
	fields := strings.Fields(rest)
	const utime = 11 // of these fields, from 0
	if len(fields) < utime+n {
		return 0
	}
	for _, field := range fields[utime : utime+n] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0
		}
		total += ticks
	}
	return total
}
