package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/redcache/redcache/internal/awssim"
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
