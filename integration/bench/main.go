package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// options are what the command line says.
type options struct {
	rows, runs    int
	readers, rate int
	bin, out      string
	docs          string
	only          string
	changed       int
	scatter       bool
	strict        bool
	render        bool
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == childWord {
		os.Exit(runChild(os.Args[2:]))
	}
	var o options
	flag.IntVar(&o.rows, "rows", 1_000_000, "rows of the table; its small sibling has a tenth of them")
	flag.IntVar(&o.runs, "runs", 3, "rounds; each runs every scenario once")
	flag.IntVar(&o.readers, "readers", 4, "connections that read while an operation runs")
	flag.IntVar(&o.rate, "rate", 200, "look-ups a second, all readers together")
	flag.StringVar(&o.bin, "bin", "bin", "`directory` of cachectl")
	flag.StringVar(&o.out, "out", "bench", "`directory` for results.json and benchmark.svg")
	flag.StringVar(&o.docs, "docs", "", "also bring benchmarks.md in this `directory` up to date, and benchmark.svg")
	flag.StringVar(&o.only, "only", "", "run only the paths that match this regular `expression`")
	flag.IntVar(&o.changed, "changed", 100, "the largest share of changed rows to measure, in percent: 0, 1 or 100")
	flag.BoolVar(&o.scatter, "scatter", false, "spread the changed 1 % over the whole table, instead of a range of keys")
	flag.BoolVar(&o.strict, "strict", false, "exit with 1 when a limit is missed")
	flag.BoolVar(&o.render, "render", false, "measure nothing: print, and write, what results.json has")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	path := filepath.Join(o.out, "results.json")
	var r results
	var err error
	if o.render {
		r, err = readResults(path)
	} else {
		r, err = measure(ctx, o)
	}
	if err != nil {
		return err
	}
	r.print(os.Stdout)
	if err := r.write(path); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.out, "benchmark.svg"), r.svg(), 0o644); err != nil { //nolint:gosec // to be published
		return err
	}
	if o.docs != "" {
		if err := r.document(o.docs); err != nil {
			return err
		}
	}
	if o.strict && r.missed() > 0 {
		return fmt.Errorf("%d of %d limits missed", r.missed(), len(r.Checks))
	}
	return nil
}

// measure builds the world, runs all rounds and takes the world down again.
func measure(ctx context.Context, o options) (_ results, err error) {
	if o.rows < 1000 || o.runs < 1 || o.readers < 1 || o.rate < 1 {
		return results{}, errors.New("-rows must be 1000 or more, -runs, -readers and -rate 1 or more")
	}
	w, err := build(ctx, o)
	if err != nil {
		return results{}, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	paths, skipped, err := w.paths(ctx)
	if err != nil {
		return results{}, err
	}
	samples, err := w.rounds(ctx, paths)
	if err != nil {
		return results{}, err
	}
	machine, err := w.machine(context.WithoutCancel(ctx))
	if err != nil {
		return results{}, err
	}
	r := summarize(o, machine, samples)
	r.Skipped = skipped
	return r, nil
}
