// Package local is the layer of one system (spec 01 §6): flows between two users of the same system,
// never on a wire. SDUs are moved as they are, without a header and without a copy, also those of length 0.
//
// # Where it differs from the prototype
//
// A refusal is reported to who asked (D9), with the code of who refused. A user that closes its end is a
// fact that this layer knows, so the other end is told. Both ends stand before the answer is given, so that
// there is no moment at which one is connected and the other is not.
package local

import (
	"fmt"
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/core/loop"
	"ouroboros/core/trace"
	"ouroboros/ipcp"
	"ouroboros/ipcp/rib"
)

const (
	// MPL is the maximum packet lifetime that the layer reports (IPCP_LOCAL_MPL, spec 01 §8).
	MPL = 100 * time.Millisecond
	// MTU is the longest SDU in bytes.
	MTU = loop.MTU
	// QueueLen is the queue of a flow in packets unless the configuration says otherwise (spec 02 §13).
	QueueLen = loop.QueueLen
	// MaxFlows is the number of flow ends that may stand at a time (SYS_MAX_FLOWS, spec 13 §13.10).
	MaxFlows = 10_240
	// maxPending bounds the requests that wait for an answer.
	maxPending = 1024
	// firstNumber is the number of the first flow end, as in the other layers.
	firstNumber = 64
)

// Config describes the layer.
type Config struct {
	Name  core.Name // of this IPCP
	Layer core.Name
	Hash  core.HashAlgo // one of the SHA3 digests
	// Queue is how many packets one direction of a flow holds before its writer blocks; 0 = QueueLen.
	Queue int
	// Delay is how long a packet takes from one user to the other. With 0 it is handed over at the same
	// instant, by a posted call. In simulated time two users that always answer at once then never let time
	// pass; a system that is to be measured has a delay.
	Delay time.Duration
}

// Validate reports what is wrong with the configuration.
func (c Config) Validate() error {
	if err := c.Layer.Validate(); err != nil {
		return fmt.Errorf("local: layer: %w", err)
	}
	if c.Hash > core.SHA3_512 {
		return fmt.Errorf("local: hash %d, accepted are 0 to 3 (SHA3-224, SHA3-256, SHA3-384, SHA3-512)", c.Hash)
	}
	if c.Queue < 0 {
		return fmt.Errorf("local: queue of %d packets, accepted is 1 or more, 0 for %d", c.Queue, QueueLen)
	}
	if c.Delay < 0 {
		return fmt.Errorf("local: delay %v, accepted is 0 or more", c.Delay)
	}
	return nil
}

// Stats are the counters of the layer.
type Stats struct {
	Requests, Refused uint64 // of flows
	loop.Stats
}

// IPCP is the local IPCP of a system: a core.Provider. It belongs to one actor.
type IPCP struct {
	env       core.Env
	cfg       Config
	registry  map[core.Hash]struct{}
	onRequest func(core.IncomingFlow)
	flows     loop.Layer
	ends      []*loop.End // by number - firstNumber; nil where there is none
	free      []int
	pending   []*request
	st        Stats
	left      bool
}

// New returns the local IPCP of a system. It is a member of its layer from the start: there is no other.
func New(env core.Env, cfg Config) (*IPCP, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Queue == 0 {
		cfg.Queue = QueueLen
	}
	i := &IPCP{env: env, cfg: cfg, registry: map[core.Hash]struct{}{}}
	i.flows = loop.Layer{
		Env: env, Queue: cfg.Queue, Gone: i.remove,
		Info: core.FlowInfo{MTU: MTU, MPL: MPL, Delay: cfg.Delay, Layer: cfg.Layer},
	}
	return i, nil
}

// Name returns the name of this IPCP.
func (i *IPCP) Name() core.Name { return i.cfg.Name }

// Layer describes the layer.
func (i *IPCP) Layer() core.LayerInfo {
	return core.LayerInfo{Name: i.cfg.Layer, Kind: core.KindLocal, Hash: i.cfg.Hash}
}

// Stats returns the counters so far.
func (i *IPCP) Stats() Stats {
	st := i.st
	st.Stats = i.flows.Stats()
	return st
}

// Register makes a digest known; twice is a success without effect.
func (i *IPCP) Register(h core.Hash) error {
	if i.left {
		return core.ErrIPCPState
	}
	if want := i.cfg.Hash.Len(); len(h) != want {
		return fmt.Errorf("%w: digest of %d bytes, layer %q uses %d", core.ErrInvalid, len(h), i.cfg.Layer, want)
	}
	i.registry[h] = struct{}{}
	return nil
}

// Unregister takes a digest back; of an unknown one it is a success.
func (i *IPCP) Unregister(h core.Hash) { delete(i.registry, h) }

// Query reports whether the digest is registered when the posted answer runs.
func (i *IPCP) Query(h core.Hash, done func(found bool)) (cancel func()) {
	return ipcp.Later(i.env, func() {
		_, known := i.registry[h]
		done(known)
	})
}

// Join is refused: the layer has no broadcast channel.
func (i *IPCP) Join(done func(core.Flow, error)) (cancel func()) {
	return ipcp.Later(i.env, func() { done(nil, core.ErrUnsupp) })
}

// OnRequest sets who is told of requests: the broker that also makes them.
func (i *IPCP) OnRequest(f func(core.IncomingFlow)) { i.onRequest = f }

// Leave ends the layer: requests fail, and the users of flows are told, from posted calls.
func (i *IPCP) Leave() {
	if i.left {
		return
	}
	i.left = true
	for _, r := range slices.Clone(i.pending) {
		r.fail(core.ErrFlowDown)
	}
	for _, e := range i.ends {
		if e != nil {
			e.Abort(core.ErrFlowDown)
		}
	}
}

// connect makes both ends of a flow, ErrAgain when there is no room for them.
func (i *IPCP) connect(qos core.QoS) (client, server *loop.End, err error) {
	if len(i.ends)-len(i.free)+2 > MaxFlows {
		return nil, nil, core.ErrAgain
	}
	client, server = i.flows.Connect(qos, i.number(), i.number())
	for _, e := range []*loop.End{client, server} {
		i.ends[e.Number()-firstNumber] = e
		i.env.Trace.Note(i.env.Now(), trace.FlowAllocated, e.Number(), 0)
	}
	return client, server, nil
}

// number takes a number for an end.
func (i *IPCP) number() uint64 {
	slot := len(i.ends)
	if n := len(i.free); n > 0 {
		slot = i.free[n-1]
		i.free = i.free[:n-1]
	} else {
		i.ends = append(i.ends, nil)
	}
	return uint64(slot) + firstNumber
}

// remove takes an end out of the table.
func (i *IPCP) remove(e *loop.End) {
	slot := int(e.Number() - firstNumber)
	if i.ends[slot] == e {
		i.ends[slot] = nil
		i.free = append(i.free, slot)
		i.env.Trace.Note(i.env.Now(), trace.FlowClosed, e.Number(), 0)
	}
}

// state is the word for the state of this IPCP in the management tree (spec 02 §10.1).
func (i *IPCP) state() string {
	if i.left {
		return "shutdown"
	}
	return "operational"
}

// RIB returns the management tree of this IPCP.
func (i *IPCP) RIB() rib.Node {
	return rib.Fixed(
		rib.Info(i.state(), i.Layer()),
		rib.Entry{Name: "flows", Node: rib.Dir(i.listFlows)},
		rib.Entry{Name: "names", Node: rib.File(i.writeNames)},
		rib.Entry{Name: "stats", Node: rib.File(i.writeStats)},
	)
}
