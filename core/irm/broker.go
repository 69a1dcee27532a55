// Package irm is the broker of one system (spec 13 §13.1–13.3): it knows the IPCPs and the names of
// the system, finds a layer for each request for a flow, runs the handshake, and hands incoming
// requests to whoever listens.
//
// # Where it differs from the prototype
//
// A destination need not be known as a name on the allocating system (§13.1 rule 1 exists for the
// security files of a name, which Config.Security finds by the name itself). A lookup without an answer is
// repeated within the deadline of the request, and an unknown name is refused at once (decision 2).
// A running process is bound to what its program is bound to. A program is started at once when it is wanted, and has
// one second to listen. A flow within a system is tried first and costs no wait (§13.3 D).
package irm

import (
	"cmp"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/loop"
	"ouroboros/core/oap"
)

const (
	// AllocTimeout is the deadline of a request that sets none (spec 13 §13.10).
	AllocTimeout = 20 * time.Second
	// QueryTimeout is how long one layer is asked for a name.
	QueryTimeout = 200 * time.Millisecond
	// AcceptTimeout is how long an incoming request waits for somebody to listen, and for the answer of
	// who was handed it (IRMD_REQ_ARR_TIMEOUT, spec 13 §13.10). Then it is refused.
	AcceptTimeout = time.Second
	// MaxIncoming is how many incoming requests may wait at a time.
	MaxIncoming = 1024
)

// Config holds what the administrator has decided beforehand.
type Config struct {
	// Register says in which layers a name is registered while it is listened to. A name that is not
	// listed is registered in all layers but the shims, or in the shims where there is no other.
	Register map[core.Name][]core.Name
	// Explicit says that names are published only in the layers that RegisterName and Register name, as an
	// administrator expects it. Register without layers and the default above publish nothing then.
	Explicit bool
	// Direct has requests for names that somebody on this system listens to served without a layer (spec 13 §13.6).
	Direct bool
	// DirectQueue is how many packets one direction of such a flow holds before its writer blocks; 0 = 1023.
	DirectQueue int
	// Spawn starts a program that was bound with auto start. It does not wait for it. nil: none is started.
	Spawn func(program string, args []string) error
	// Privileged reports whether a process counts as privileged (spec 13 §13.1 rule 5); nil: if its user id is 0.
	Privileged func(Process) bool
	// Security says which flows are encrypted and authenticated; the zero value: those whose other end or
	// user demands it.
	Security Security
}

// Broker implements core.Allocator over the layers of a system.
type Broker struct {
	env    core.Env
	cfg    Config
	layers []*layer // in the order in which they are asked
	names  map[core.Name]*entry
	sorted []*entry // the same in the order in which they appeared
	oap    oap.Server
	// responses counts what came back for our own requests.
	responses Responses

	waiting []*incoming // oldest first
	expiry  core.Timer

	flows  loop.Layer // of direct flows
	number uint64     // of the last end of one

	clients  []*Client // in the order in which they came
	programs []*program
	gate     gate
	stats    Stats
}

// layer is an IPCP of this system and the names registered in it.
type layer struct {
	p     core.Provider
	names map[core.Hash]*entry
}

// New returns the broker of a system without IPCPs.
func New(env core.Env, cfg Config) *Broker {
	b := &Broker{env: env, cfg: cfg, names: make(map[core.Name]*entry), oap: oap.Server{Since: env.Wall()}}
	b.expiry = env.NewTimer(b.expire)
	b.flows = directFlows(env, cfg.DirectQueue)
	return b
}

// Stats counts what a broker has done.
type Stats struct {
	Direct               uint64 // flows that stand or stood without a layer
	DirectOpen           int    // ends of them that stand
	Started, StartFailed uint64 // programs that were started for a name, and those that could not be
}

// Stats returns the counters so far.
func (b *Broker) Stats() Stats { return b.stats }

// DirectStats returns the counters of the packets of direct flows.
func (b *Broker) DirectStats() loop.Stats { return b.flows.Stats() }

// Responses counts the responses to the handshakes of a system by what became of them.
type Responses struct{ Accepted, Refused uint64 }

// Handshakes returns what became of the requests that arrived for the names of this system, and of the responses
// to its own.
func (b *Broker) Handshakes() (oap.Stats, Responses) { return b.oap.Stats(), b.responses }

// AddProvider adds an IPCP that is a member of its layer. Layers are asked in the order of their
// kind, then in that of their addition (spec 13 §13.2). Names that belong into the layer are
// registered; an error says which could not be, the IPCP is added all the same.
func (b *Broker) AddProvider(p core.Provider) error {
	l := &layer{p: p, names: make(map[core.Hash]*entry)}
	b.layers = append(b.layers, l)
	slices.SortStableFunc(b.layers, func(x, y *layer) int {
		return cmp.Compare(x.p.Layer().Kind, y.p.Layer().Kind)
	})
	p.OnRequest(func(in core.IncomingFlow) { b.arrived(l, in) })
	return b.registerAll()
}

// RemoveProvider takes an IPCP out: its names are unregistered and it is not asked any more. Flows
// that it provides are not touched; allocations that wait for it run into their deadline.
func (b *Broker) RemoveProvider(p core.Provider) error {
	i := slices.IndexFunc(b.layers, func(l *layer) bool { return l.p == p })
	if i < 0 {
		return nil
	}
	l := b.layers[i]
	b.layers = slices.Delete(b.layers, i, i+1)
	for _, e := range b.sorted {
		l.drop(e)
	}
	p.OnRequest(nil)
	return b.registerAll()
}

// Join joins the broadcast layer with that name: done gets ErrIPCP when this system has no IPCP in it,
// ErrCrypt when the system forces encryption, ErrTimedOut after 20 s.
func (b *Broker) Join(name core.Name, done func(core.Flow, error)) (cancel func()) {
	a := b.newAllocation(nil, core.Request{}, done)
	a.join(name)
	return a.cancel
}
