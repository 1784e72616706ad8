// Command demo shows Redcache at work on one machine: it starts a stand-in for Redshift with sample data and a cache
// database, sets up a link and a view for each strategy with cachectl, starts the worker, keeps changing the source, and shows how
// rows arrive. It uses the programs in bin/ as an operator would.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	once := flag.Bool("once", false, "end after a while, and check that each view equals its query")
	bin := flag.String("bin", "bin", "directory of cachectl and worker")
	seconds := flag.Int("seconds", 20, "with -once: how long the source is changed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *bin, *once, time.Duration(*seconds)*time.Second); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, bin string, once bool, length time.Duration) (err error) {
	w, err := build(ctx, bin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	worker, err := w.startWorker()
	if err != nil {
		return err
	}
	watch := ctx
	if once {
		var cancel context.CancelFunc
		watch, cancel = context.WithTimeout(ctx, length)
		defer cancel()
	} else {
		fmt.Print("\nThe source changes all the time. Ctrl-C ends the demo.\n")
	}
	watchErr := w.watch(watch)
	if err := errors.Join(watchErr, worker.stop()); err != nil || !once || ctx.Err() != nil {
		return err
	}
	return w.compare(ctx)
}
