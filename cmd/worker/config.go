package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/redcache/redcache/cmd/internal/screen"
	"github.com/redcache/redcache/infra"
)

const prefix = "REDCACHE"

// foreign are variables that may stand in a worker's environment without being its own: the passwords of links, which
// cachectl reads from whatever variable it is told.
var foreign = []string{prefix + "_*PASSWORD*"}

// config is all that the environment says.
type config struct {
	infra.DatabaseConfig
	Concurrency    int           `default:"4" min:"1" max:"1000" desc:"most refreshes at once"`
	PerLink        int           `min:"0" max:"1000" unset:"half of REDCACHE_CONCURRENCY, or all while there is one link" desc:"most of them of one link; when not given, half of them, or all while there is one link"`
	Poll           time.Duration `default:"1s" min:"10ms" max:"30s" desc:"pause between two looks at what is due"`
	StopGrace      time.Duration `default:"30s" min:"100ms" max:"24h" desc:"how long refreshes may go on after SIGTERM before they are cancelled"`
	SwitchPatience time.Duration `default:"15s" min:"100ms" max:"1h" desc:"how long a swap waits for a moment without readers before it merges instead, where it can"`
	ModifiedLag    time.Duration `default:"20m" min:"1s" max:"168h" desc:"how late Redshift may note that a table was modified; a view that is skipped for that is this old"`
	KeepRuns       int           `default:"1000" min:"1" desc:"history kept of each view, in runs"`
	LogFormat      string        `default:"text" allowed:"text,json" desc:"form of the log on stderr"`
	LogLevel       string        `default:"info" allowed:"debug,info,warn,error" desc:"least important lines in the log"`
	HealthAddr     string        `unset:"none" desc:"address that answers GET /healthz, for instance :8080; none when not given"`
}

// String returns the configuration without its password.
func (c config) String() string { return infra.Redacted(c) }

// spare is how many connections the worker needs beside two for each refresh: one to look for what is due, and one
// for the short third of one refresh.
const spare = 2

// Validate holds the variables against each other, and completes what they leave open.
func (c *config) Validate() error {
	if c.Application == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown host"
		}
		c.Application = fmt.Sprintf("redcache worker %s:%d", host, os.Getpid())
	}
	given := c.MaxConns
	if err := c.DatabaseConfig.Validate(); err != nil {
		return err
	}
	needed := int32(2*c.Concurrency + spare)
	switch {
	case given == 0:
		c.MaxConns = max(needed, c.MaxConns)
	case given < needed:
		return fmt.Errorf("%s_MAX_CONNS=%d: %s_CONCURRENCY=%d needs at least %d connections",
			prefix, given, prefix, c.Concurrency, needed)
	}
	if c.HealthAddr == "" {
		return nil
	}
	if _, err := net.ResolveTCPAddr("tcp", c.HealthAddr); err != nil {
		return fmt.Errorf("%s_HEALTH_ADDR=%q: want a port, as in :8080, or an address and a port, as in 127.0.0.1:8080: %w",
			prefix, c.HealthAddr, err)
	}
	return nil
}

// printUsage prints what the program is and the variables it reads.
func printUsage(w io.Writer) error {
	fmt.Fprint(w, "Usage: worker [--help | --version]\n\n"+
		"Keeps cached views fresh until it is stopped by SIGTERM or SIGINT; a second\nsignal ends it at once.\n"+
		"It is configured by environment variables:\n\n")
	for _, v := range infra.Variables(prefix, &config{}) {
		what := v.Type
		switch {
		case v.Required:
			what += ", required"
		case v.Default != "":
			what += ", default " + v.Default
		}
		fmt.Fprintf(w, "  %s (%s)\n", v.Name, what)
		for _, line := range screen.Lines(v.Description, usageColumns-indent) {
			fmt.Fprintf(w, "%*s%s\n", indent, "", line)
		}
	}
	return nil
}

// The help keeps to so many columns, and indents what a variable means.
const (
	usageColumns = 80
	indent       = 6
)
