// Package progress shows on a terminal how far a long run has come.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"ouroboros/cmd/osim/internal/runner"
)

const (
	patience = time.Second            // how long a run is left alone before a bar appears
	redraw   = 200 * time.Millisecond // the bar moves on its own: much can happen at one simulated instant
	scale    = 1000                   // ticks in the bar
)

// Bar is a line with the simulated time, events per second and an estimate of the time left.
type Bar struct {
	w     io.Writer
	began time.Time
	bar   *progressbar.ProgressBar // nil before patience is over; of the drawing goroutine

	mu   sync.Mutex
	last *runner.Progress // nil before the first

	quit, gone chan struct{}
}

// New returns a Bar on w, nil if w is no terminal. Done must be called in the end.
func New(w io.Writer) *Bar {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	b := &Bar{w: w, began: time.Now(), quit: make(chan struct{}), gone: make(chan struct{})}
	go b.run()
	return b
}

// Show tells the state of things, which is soon drawn.
func (b *Bar) Show(p runner.Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = &p
}

// Done removes the line.
func (b *Bar) Done() {
	close(b.quit)
	<-b.gone
}

func (b *Bar) run() {
	defer close(b.gone)
	tick := time.NewTicker(redraw)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.draw(time.Since(b.began))
		case <-b.quit:
			if b.bar != nil {
				_ = b.bar.Clear() // a terminal that went away is no error of ours
			}
			return
		}
	}
}

// draw draws the state of things after some time.
func (b *Bar) draw(elapsed time.Duration) {
	b.mu.Lock()
	p := b.last
	b.mu.Unlock()
	if elapsed < patience || p == nil {
		return
	}
	if b.bar == nil {
		b.bar = progressbar.NewOptions(
			scale,
			progressbar.OptionSetWriter(b.w),
			progressbar.OptionSetWidth(24),
			progressbar.OptionSetPredictTime(false), // it would count from now
			progressbar.OptionSetElapsedTime(false),
		)
	}
	_ = b.bar.Set(min(int(scale*share(*p)), scale-1)) // the last tick would end the line
	b.bar.Describe(describe(*p, elapsed))
}

// share is how much is done.
func share(p runner.Progress) float64 {
	if p.End <= 0 {
		return 1
	}
	return float64(p.Now) / float64(p.End)
}

// describe returns the text beside the bar.
func describe(p runner.Progress, elapsed time.Duration) string {
	s := fmt.Sprintf("%.1f of %.1f s", time.Duration(p.Now).Seconds(), time.Duration(p.End).Seconds())
	if p.Runs > 1 {
		s = fmt.Sprintf("%d of %d runs, ", p.Over, p.Runs) + s
	}
	if p.Events > 0 && elapsed > 0 {
		s += fmt.Sprintf(", %.2f million events/s", float64(p.Events)/elapsed.Seconds()/1e6)
	}
	if left, ok := estimate(p, elapsed); ok {
		s += fmt.Sprintf(", %s left", left)
	}
	return s
}

// estimate supposes that the rest goes as fast as what is done.
func estimate(p runner.Progress, elapsed time.Duration) (time.Duration, bool) {
	done := share(p)
	if done < 0.01 {
		return 0, false
	}
	return time.Duration(float64(elapsed) * (1 - done) / done).Round(time.Second), true
}
