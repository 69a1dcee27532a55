// Package clock holds the two things that differ between the simulator and a live system: what time
// it is and who calls back when it has passed. Everything else in the protocol core is written
// against these three types and cannot tell the worlds apart.
package clock

import "time"

// Time is a point in time in nanoseconds since the epoch of the run. It never goes back. The epoch
// of a simulated run is its start; that of a live run is the moment its Exec was made.
type Time int64

// Never is later than every time that occurs in a run.
const Never Time = 1<<63 - 1

// Add returns t+d, saturating at Never.
func (t Time) Add(d time.Duration) Time {
	if s := t + Time(d); s >= t || d < 0 {
		return s
	}
	return Never
}

// Sub returns the duration t-u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Before reports whether t is earlier than u.
func (t Time) Before(u Time) bool { return t < u }

// Seconds returns t in seconds since the epoch of the run.
func (t Time) Seconds() float64 { return float64(t) / 1e9 }

// String prints t as a duration since the epoch, for instance "1.5s".
func (t Time) String() string { return time.Duration(t).String() }

// Exec runs one actor: calls on it never overlap, and nothing else touches the actor's state.
type Exec interface {
	// Now returns the current time. It does not advance during a call in the simulator.
	Now() Time
	// Post runs fn after the current call has returned. Functions posted through one handle run in
	// the order they were posted. Post may be called from outside the actor.
	Post(fn func())
	// NewTimer returns a stopped timer; fn runs on this Exec.
	NewTimer(fn func()) Timer
}

// Timer calls its function once each time it expires. A timer belongs to the actor that made it and
// is touched from nowhere else. After Reset or Stop has returned, the earlier deadline never fires,
// also when it has been reached at this very instant.
type Timer interface {
	// Reset arms the timer to fire d from now; d ≤ 0 fires at the current instant, after the current
	// call. It replaces an earlier deadline.
	Reset(d time.Duration)
	// Stop disarms the timer and reports whether it was armed.
	Stop() (wasArmed bool)
}
