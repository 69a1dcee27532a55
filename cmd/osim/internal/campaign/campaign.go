// Package campaign runs many seeds of the fault campaign, several at a time.
package campaign

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ouroboros/scenarios/soak"
)

// Campaign says which seeds are run.
type Campaign struct {
	First, Last uint64
	Until       time.Time // no seed begins after it; zero: all of them are run
	Jobs        int       // at a time; less than 1 counts as 1
	// Keep is how many violations are kept; the others are counted. No further seed begins once there are so many.
	Keep int
}

// Summary is what the seeds that were run have seen, in their order, whatever the number of jobs.
type Summary struct {
	soak.Result
	Seeds       uint64 // that were run
	First, Last uint64 // of them
	CPU         time.Duration
}

// Runner carries a campaign out.
type Runner struct {
	c       Campaign
	mu      sync.Mutex
	next    uint64
	over    bool // no seed is left
	stopped atomic.Bool
	broken  int
	merged  uint64                  // the next seed to be added to sum
	waiting map[uint64]*soak.Result // of seeds that others before them hold up
	sum     Summary
	err     error
	told    func(*Summary)
}

// New returns a Runner.
func New(c Campaign) *Runner {
	return &Runner{c: c, next: c.First, merged: c.First, waiting: map[uint64]*soak.Result{}, sum: Summary{First: c.First}}
}

// Stop ends the campaign after the seeds that are at work.
func (r *Runner) Stop() { r.stopped.Store(true) }

// Run runs the seeds. told, if not nil, hears of the state of things after each of them, and may call Stop.
func (r *Runner) Run(told func(*Summary)) (*Summary, error) {
	r.told = told
	var workers sync.WaitGroup
	for range max(r.c.Jobs, 1) {
		workers.Go(func() {
			for r.one() {
			}
		})
	}
	workers.Wait()
	return &r.sum, r.err
}

// one runs the next seed, and reports false if there is none.
func (r *Runner) one() bool {
	r.mu.Lock()
	if r.over || r.stopped.Load() || r.err != nil || r.c.Keep > 0 && r.broken >= r.c.Keep || !r.c.Until.IsZero() && time.Now().After(r.c.Until) {
		r.mu.Unlock()
		return false
	}
	seed := r.next
	r.over = seed == r.c.Last
	r.next++
	r.mu.Unlock()

	began := time.Now()
	x, err := run(seed)
	took := time.Since(began)

	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.err = fmt.Errorf("seed %d: %w", seed, err)
		return false
	}
	r.sum.CPU += took
	r.broken += len(x.Violations)
	r.waiting[seed] = &x
	for ; r.waiting[r.merged] != nil; r.merged++ {
		r.sum.add(r.waiting[r.merged], r.merged)
		delete(r.waiting, r.merged)
	}
	if r.told != nil {
		r.told(&r.sum)
	}
	return true
}

func run(seed uint64) (soak.Result, error) {
	p, err := soak.Draw(seed)
	if err != nil {
		return soak.Result{}, err
	}
	return soak.Run(p)
}

func (s *Summary) add(x *soak.Result, seed uint64) {
	s.Add(x)
	s.Seeds++
	s.Last = seed
	s.Fingerprint = s.Fingerprint*0x9E3779B97F4A7C15 + x.Fingerprint
}
