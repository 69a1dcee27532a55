package core

import (
	"io"
	"math/rand/v2"

	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
)

// Time, Exec and Timer are those of package clock.
type (
	Time  = clock.Time
	Exec  = clock.Exec
	Timer = clock.Timer
)

// Env is everything that a component may touch besides its arguments. It is passed by value. A
// component that has parts of its own gives each a derived one, so that adding a part moves neither
// the random numbers nor the trace of the others.
type Env struct {
	Exec
	// Path names the component, for instance "seattle/net/routing". Unique within a run.
	Path string
	// Wall is the clock on the wall in ns since 1970-01-01 UTC. Live it is the real clock; simulated
	// it is the epoch of the run + Now + the offset of this node, which a fault can move.
	Wall func() int64
	// Rand is this component's own stream of pseudo-random numbers, from (seed of the run, Path).
	Rand *rand.Rand
	// Entropy gives key material: the system's generator live, a seeded ChaCha8 in the simulator.
	Entropy io.Reader
	// Pool gives packet buffers.
	Pool *pkt.Pool
	// Trace takes this component's observable events.
	Trace *trace.Tracer

	// Over reports whether the system has ended: its timers and posts are void, and what its components hold
	// can only be given back. A killed node of a world is over; nil = it never is.
	Over func() bool

	derive func(parent Env, name string) Env
}

// NewEnv completes e with the function by which its world makes the Env of a part.
func NewEnv(e Env, derive func(parent Env, name string) Env) Env {
	e.derive = derive
	return e
}

// Ended reports whether the system of the component has ended; see Over.
func (e Env) Ended() bool { return e.Over != nil && e.Over() }

// Derive returns the Env of a part of this component: the same actor and clock, an Exec handle, a
// random stream and a trace of its own. The name is one element of a path; deriving the same name
// twice gives two parts with different streams.
func (e Env) Derive(name string) Env { return e.derive(e, name) }
