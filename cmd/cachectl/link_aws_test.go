package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/redcache/redcache/internal/awssim"
	"github.com/redcache/redcache/internal/pgtest"
	"github.com/redcache/redcache/internal/redshiftsim"
)

// cloudy is the AWS of a script, with cluster prod, workgroup lake and a secret, all of them about the stand-in.
type cloudy struct {
	*awssim.AWS
	cluster *awssim.Cluster
}

// amazon does what happens on AWS:
//
//	aws start                   from then on, cachectl runs as a process of its own that finds AWS; ARN is a secret's
//	aws status TEXT             of cluster prod
//	aws deny|allow ACTION       whether this process may
//	aws lifetime DURATION       of passwords that are issued from then on
//	aws secret VAR              the secret gets the password in that variable
//	aws asked ACTION N          fails unless it was asked N times so far
func amazon(ts *testscript.TestScript, neg bool, args []string) {
	b := of(ts)
	switch args = append(args, "", ""); {
	case neg:
		ts.Fatalf("aws cannot fail")
	case args[0] == "start":
		a := awssim.Start(b.t)
		b.aws = &cloudy{a, a.Cluster("prod", b.source.Server)}
		a.Workgroup("lake", b.source.Server)
		b.keepSecret(ts, "DW_PASSWORD")
	case args[0] == "status":
		b.aws.cluster.Set(func(d *awssim.Description) { d.Status = args[1] })
	case args[0] == "deny":
		b.aws.Deny(args[1])
	case args[0] == "allow":
		b.aws.Allow(args[1])
	case args[0] == "lifetime":
		life, err := time.ParseDuration(args[1])
		ts.Check(err)
		b.aws.Lifetime(life)
	case args[0] == "secret":
		b.keepSecret(ts, args[1])
	case args[0] == "asked":
		if got := b.aws.Count(args[1]); strconv.Itoa(got) != args[2] {
			ts.Fatalf("%s was asked %d times, want %s", args[1], got, args[2])
		}
	default:
		ts.Fatalf("usage: aws start|status|deny|allow|lifetime|secret|asked")
	}
}

func (b *bench) keepSecret(ts *testscript.TestScript, variable string) {
	ts.Setenv("ARN", b.aws.Secret("dw", fmt.Sprintf(`{"username": %q, "password": %q, "host": %q, "port": %d, "dbname": %q}`,
		redshiftsim.User, ts.Getenv(variable), b.source.Host(), b.source.Port(), b.source.Name)))
}

// process runs cachectl as a process of its own: the SDK reads the real environment.
func (b *bench) process(ts *testscript.TestScript, args []string) (status int, stdout, stderr string) {
	var out, talk bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(b.aws.Env(), asProcess+"=1")
	for _, name := range []string{"DATABASE_URL", "DW_PASSWORD", "DW_NEXT_PASSWORD", "PATH", "HOME"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(b.input), &out, &talk
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		ts.Fatalf("run cachectl: %v", err)
	}
	for _, issued := range b.aws.Issued() {
		if strings.Contains(out.String()+talk.String(), issued) || strings.Contains(out.String()+talk.String(), issued[:12]) {
			ts.Fatalf("a password that AWS issued shows:\n%s%s", &out, &talk)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), talk.String()
}

// Whatever becomes of logins that AWS issues, the server logs every statement and never sees a password in one.
func TestRun_NoLoginOfAWSReachesTheServerLog(t *testing.T) {
	t.Parallel()
	cluster := pgtest.StartFor(t, pgtest.Config{Settings: map[string]string{
		"log_statement": "'all'", "log_min_duration_statement": "0", "log_parameter_max_length_on_error": "-1",
	}})
	database, err := cluster.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o := newOperator(t, cluster.OwnerURL(database))
	a := awssim.Start(t)
	a.Cluster("prod", o.source.Server)
	var said strings.Builder
	call := func(args ...string) {
		status, stdout, stderr := o.process(t, a, args...)
		fmt.Fprintf(&said, "%s: %d\n%s%s", args, status, stdout, stderr)
	}
	call("init")
	call("link", "add", "no", "--cluster", "prod", "--db-user", "nobody", "--database", o.source.Name)
	call("link", "add", "dw", "--cluster", "prod", "--db-user", redshiftsim.User, "--database", o.source.Name)
	call("link", "list", "--json")
	call("link", "rotate", "dw")
	o.source.ExpirePassword("IAM:" + redshiftsim.User)
	call("link", "test", "dw", "--json")
	o.source.Pause()
	call("link", "rotate", "dw")
	call("link", "test", "dw")
	if len(a.Issued()) < 5 || !strings.Contains(said.String(), `"works": true`) {
		t.Fatalf("%d passwords were issued, want one for each login:\n%s", len(a.Issued()), said.String())
	}
	log, err := cluster.Log()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log, "CREATE TEMPORARY TABLE redcache_secret") {
		t.Fatal("the log does not have the statements")
	}
	for _, issued := range a.Issued() {
		for where, text := range map[string]string{"server log": log, "output": said.String()} {
			if secret := issued[len(issued)-20:]; strings.Contains(text, secret) { // what quoting leaves alone
				t.Errorf("the %s shows a password", where)
			}
		}
	}
}

// Whoever does not want to wait for a silent Redshift, or a silent AWS, does not have to, and nothing is left behind.
func TestRun_InterruptEndsALink(t *testing.T) {
	t.Parallel()
	connecting := func(o *operator) (begun string) {
		o.source.Stall(true)
		return `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
			AND state = 'active' AND query ~ 'dblink_connect' AND pid <> pg_backend_pid()`
	}
	for _, tt := range []struct {
		args    []string
		silence func(o *operator) (begun string) // nil: AWS is silent
	}{
		{[]string{"link", "test", "dw"}, connecting},
		{[]string{"link", "rotate", "dw"}, connecting},
		{[]string{"link", "rotate", "dw"}, nil},
		{[]string{"link", "add", "new", "--cluster", "prod", "--iam", "--database", "dev"}, nil},
	} {
		t.Run(tt.args[1], func(t *testing.T) {
			t.Parallel()
			cache := pgtest.New(t)
			pool, o, a := cache.AdminPool(t), newOperator(t, cache.URL), awssim.Start(t)
			a.Cluster("prod", o.source.Server)
			for _, args := range [][]string{
				{"init"}, {"link", "add", "dw", "--cluster", "prod", "--db-user", redshiftsim.User, "--database", o.source.Name},
			} {
				if status, _, stderr := o.process(t, a, args...); status != exitDone {
					t.Fatal(stderr)
				}
			}
			asked := len(a.Calls())
			began := func() { awaitCall(t, a, asked, pool) }
			if tt.silence != nil {
				question := tt.silence(o)
				defer o.source.Stall(false)
				began = func() { await(t, pool, question) }
			} else {
				a.Delay(time.Hour)
			}
			o.interrupt(t, a, began, tt.args...)
			await(t, pool, `SELECT count(*) = 0 FROM pg_locks WHERE locktype = 'advisory'
				AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
			await(t, pool, `SELECT count(*) = 1 FROM pg_foreign_server`)
		})
	}
}

// awaitCall waits until AWS is asked for something more.
func awaitCall(t *testing.T, a *awssim.AWS, asked int, db querier) {
	t.Helper()
	for t.Context().Err() == nil && len(a.Calls()) == asked {
		await(t, db, `SELECT true`)
	}
}

// interrupt begins a command, and sends it SIGINT once it is under way. It has to say that this was why it ended.
func (o *operator) interrupt(t *testing.T, a *awssim.AWS, underWay func(), args ...string) {
	t.Helper()
	cmd, stderr := o.command(t, a, args...), &bytes.Buffer{}
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	underWay()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the status says more
	if status := cmd.ProcessState.ExitCode(); status != exitFailed || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit status %d, want %d:\n%s", status, exitFailed, stderr)
	}
}

// command is cachectl as a process that finds AWS.
func (o *operator) command(t *testing.T, a *awssim.AWS, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(a.Env(), asProcess+"=1", "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	for name, value := range o.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

func (o *operator) process(t *testing.T, a *awssim.AWS, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	cmd := o.command(t, a, args...)
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), talk.String()
}
