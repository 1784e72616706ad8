// Worker keeps cached views fresh. Any number of workers may work on one cache.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/redcache/redcache/infra"
)

// The exit codes beside 0, which is a stop that was asked for.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx := untilSignal()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err == nil {
		return
	}
	complain(os.Stderr, os.Getenv(prefix+"_LOG_FORMAT"), err) // whatever else is wrong with the environment
	os.Exit(exitCode(err))
}

// complain says why the worker ends: as a line of the log where programs read that. Servers have a say in the text; only
// what is wrong with the environment has lines.
func complain(stderr io.Writer, format string, err error) {
	if format == "json" {
		if log, bad := infra.NewLogger(stderr, format, "info"); bad == nil {
			log.Error("worker ends", infra.KeyError, infra.Message(err), infra.KeyHint, infra.Hint(err))
			return
		}
	}
	printable := infra.Printable
	if errors.As(err, new(*infra.ConfigError)) {
		printable = infra.PrintableLines
	}
	fmt.Fprintln(stderr, "worker:", printable(infra.BoundedMessage(err.Error())))
	if hint := infra.Hint(err); hint != "" {
		fmt.Fprintln(stderr, infra.Printable(infra.BoundedMessage(hint)))
	}
}

// untilSignal returns a context that the first SIGTERM or SIGINT ends. The second ends the process.
func untilSignal() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() { // ends with the process
		<-signals
		cancel()
		<-signals
		fmt.Fprintln(os.Stderr, "worker: ended at once, as it was asked a second time: the servers undo what was under way")
		os.Exit(exitFailed)
	}()
	return ctx
}

func exitCode(err error) int {
	var wrong *infra.ConfigError
	if errors.As(err, &wrong) || errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitFailed
}

var errUsage = errors.New("wrong usage")

// run does what the arguments ask for: the work, unless they ask for help or version.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 1 {
		return infra.Hinted(fmt.Errorf("%w: it takes one argument at most", errUsage), "See worker --help.")
	}
	if len(args) == 0 {
		return work(ctx, stderr)
	}
	switch args[0] {
	case "-h", "--help", "help":
		return printUsage(stdout)
	case "--version", "version":
		_, err := fmt.Fprintln(stdout, "worker", infra.Version())
		return err
	}
	return infra.Hinted(fmt.Errorf("%w: unknown argument %q", errUsage, args[0]), "See worker --help.")
}
