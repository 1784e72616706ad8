package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/redcache/redcache/cmd/internal/screen"
	"github.com/redcache/redcache/refresh"
)

const (
	drawEvery  = 100 * time.Millisecond // on a terminal
	settleTime = time.Second            // elsewhere, a phase that is over before is not worth a line
	lineEvery  = 10 * time.Second

	// What the library draws beside a description, in columns, and one that stays free: a full line wraps on some terminals.
	barRoom     = 32
	spinnerRoom = 5
	// fewForBar is where a bar would leave no room for what is being done.
	fewForBar = 60
)

// watcher shows on stderr what long work is at: a bar on a terminal, a line now and then elsewhere.
type watcher struct {
	what     string
	number   string               // " (1/3)", where it is one of several
	estimate func() time.Duration // what the work took the last time; 0 when it is not known
	start    time.Time
	draw     func(phase refresh.Phase, elapsed time.Duration)
	finish   func()

	mu      sync.Mutex
	current refresh.Phase
	changed time.Time

	done, over chan struct{}
}

// watch begins to show the progress of some work. The caller must stop it, before anything else is printed. What the work took the
// last time is asked for once there is something to show: most work is over before.
func (p *program) watch(what, number string, lastTook func() time.Duration) *watcher {
	now := time.Now()
	w := &watcher{
		what: what, number: number, estimate: sync.OnceValue(lastTook), start: now, changed: now,
		done: make(chan struct{}), over: make(chan struct{}),
	}
	interval := drawEvery
	if isTerminal(p.stderr) {
		w.draw, w.finish = w.bar(progressbar.OptionSetWriter(p.stderr), func() int { return columnsOf(p.stderr) })
	} else {
		w.draw, w.finish = w.lines(p), func() {}
	}
	go w.run(interval)
	return w
}

// phase says what the work is at now.
func (w *watcher) phase(phase refresh.Phase) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current, w.changed = phase, time.Now()
}

// stop takes the bar away.
func (w *watcher) stop() {
	close(w.done)
	<-w.over
}

func (w *watcher) run(interval time.Duration) {
	defer close(w.over)
	defer w.finish()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-w.done:
			return
		case now := <-ticker.C:
			w.mu.Lock()
			phase := w.current
			w.mu.Unlock()
			w.draw(phase, now.Sub(w.start))
		}
	}
}

// describe says what the work is at, within so many columns; 0 is any number. What it took the last time goes first, then
// the middle of the name; its number and the phase stay.
func (w *watcher) describe(phase refresh.Phase, elapsed time.Duration, columns int) string {
	const shortest = 6 // of a name
	at := w.number
	if phase != "" {
		at += ": "
		now := printable(string(phase))
		if room := columns - shortest - screen.Width(at); columns > 0 {
			now = shortened(now, room)
		}
		at += now
	}
	what, took := printable(w.what), ", "+brief(elapsed.Round(100*time.Millisecond))
	last := ""
	if took := w.estimate(); took > 0 {
		last = fmt.Sprintf(" (last time %s)", brief(took))
	}
	if whole := what + at + took + last; columns <= 0 || screen.Width(whole) <= columns {
		return whole
	}
	if screen.Width(at+took)+shortest > columns {
		took = ""
	}
	return shortened(shortened(what, max(columns-screen.Width(at+took), shortest))+at+took, columns)
}

// bar draws a bar when there is an estimate, and a spinner otherwise, within what the terminal has of columns: a line
// that wraps would not be drawn over, but scroll.
func (w *watcher) bar(
	to progressbar.Option, columns func() int,
) (draw func(refresh.Phase, time.Duration), finish func()) {
	most, room := int64(-1), spinnerRoom
	var bar *progressbar.ProgressBar // once there is something to draw
	begin := func() {
		if took, at := w.estimate(), columns(); took > 0 && (at <= 0 || at >= fewForBar) {
			most, room = took.Milliseconds()+1, barRoom
		}
		const spinner, width = 14, 20
		bar = progressbar.NewOptions64(most, to, progressbar.OptionSetElapsedTime(false),
			progressbar.OptionSetPredictTime(false), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(width),
			progressbar.OptionSpinnerType(spinner), progressbar.OptionSetSpinnerChangeInterval(0))
	}
	draw = func(phase refresh.Phase, elapsed time.Duration) {
		if bar == nil {
			begin()
		}
		at := columns()
		if at > 0 {
			at = max(at-room, 1)
		}
		bar.Describe(w.describe(phase, elapsed, at))
		if most > 0 {
			_ = bar.Set64(min(elapsed.Milliseconds(), most-1)) // a bar that cannot be drawn must not stop the work
		} else {
			_ = bar.Add(1)
		}
	}
	return draw, func() {
		if bar != nil {
			_ = bar.Clear()
		}
	}
}

// neverTook is how long work took that has no last time.
func neverTook() time.Duration { return 0 }

// lines writes a line when a phase has gone on for a while, and then every ten seconds.
func (w *watcher) lines(p *program) func(refresh.Phase, time.Duration) {
	var told refresh.Phase
	next := settleTime
	return func(phase refresh.Phase, elapsed time.Duration) {
		w.mu.Lock()
		settled := time.Since(w.changed) >= settleTime
		w.mu.Unlock()
		if (phase != told && settled) || elapsed >= next {
			p.tell("%s", w.describe(phase, elapsed, 0))
			told, next = phase, elapsed+lineEvery
		}
	}
}
