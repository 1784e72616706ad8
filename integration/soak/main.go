package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// options are what the command line says.
type options struct {
	lasts     time.Duration
	histories int
	steps     int
	lanes     int
	seed      uint64
	verbose   bool
	end       time.Time // zero: none
}

// defaultSteps are enough for every deed.
const defaultSteps = 40

// over says that the time is up: histories end with the step that they are at.
func (o options) over() bool { return !o.end.IsZero() && time.Now().After(o.end) }

func main() {
	if len(os.Args) > 1 && os.Args[1] == childWord {
		os.Exit(runChild())
	}
	var o options
	flag.DurationVar(&o.lasts, "for", time.Minute, "go on for so `long`")
	flag.IntVar(&o.histories, "histories", 0, "run so `many` histories to their end instead, whatever the time")
	flag.IntVar(&o.steps, "steps", defaultSteps, "steps of a history")
	flag.IntVar(&o.lanes, "lanes", 2, "histories at the same time")
	flag.Uint64Var(&o.seed, "seed", 0, "seed of the first history, the others follow; 0 takes the clock")
	flag.BoolVar(&o.verbose, "v", false, "print every step")
	flag.Parse()
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixMilli())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	total, err := soak(ctx, o)
	if total != nil {
		total.print(os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
	if !total.clean() {
		os.Exit(1)
	}
}

// soak runs histories, several at a time, and returns what came of all of them.
func soak(ctx context.Context, o options) (_ *summary, err error) {
	w, err := startWorld(ctx)
	if err != nil {
		return nil, err
	}
	total := &summary{began: time.Now(), seed: o.seed}
	defer func() {
		if stopErr := w.stop(!total.clean()); err == nil {
			err = stopErr
		}
	}()
	if o.histories == 0 {
		o.end = total.began.Add(o.lasts)
	}
	var next sync.Mutex
	begun := 0
	take := func() (seed uint64, more bool) {
		next.Lock()
		defer next.Unlock()
		if o.histories > 0 && begun >= o.histories || o.over() || ctx.Err() != nil {
			return 0, false
		}
		begun++
		return o.seed + uint64(begun-1), true
	}
	var lanes sync.WaitGroup
	for range o.lanes {
		lanes.Go(func() {
			for seed, more := take(); more; seed, more = take() {
				total.add(runHistory(ctx, w, o, seed))
			}
		})
	}
	lanes.Wait()
	return total, ctx.Err()
}
