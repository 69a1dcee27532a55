// Package fa is the flow allocator of a unicast IPCP (spec 03): it answers and makes requests for flows
// to names of the layer, and carries their packets over the data transfer component under the layer's
// congestion, shaping and admission policies. Those see what a flow asks for and how long its packets are;
// nothing here looks at what a packet carries.
//
// A request is repeated until it is answered or canceled; a repeated request gets the same answer again,
// so that a lost message costs a second and not the flow.
//
// A packet of a flow first has the pause that the congestion policy asks for, then that of the shaping
// policy, both of this flow alone (decision 4): what leaves is what the shaping policy has let go, so that
// its bound holds there.
package fa

import (
	"bytes"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/adm"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/shape"
)

const (
	// EID is the endpoint of the flow allocator (spec 02 §4.1).
	EID = 0
	// MPL is the maximum packet lifetime of a unicast layer unless it says otherwise (spec 03 §10).
	MPL = 100 * time.Millisecond
	// FirstNumber is the first local flow number (spec 03 §3).
	FirstNumber = 64
	// QueueLen is the transmit queue of a flow in packets unless the layer says otherwise (spec 02 §13),
	// and what a flow holds for a user that does not receive.
	QueueLen = 1023
	// maxFlows bounds the flow table: a flood of requests must not take all memory.
	maxFlows = 1 << 20
	// maxPending bounds the requests that wait for an answer of this system.
	maxPending = 4096
	// maxPast bounds the requests whose end is remembered.
	maxPast = 4096
)

// Stats counts what happened to messages and packets that belong to no flow.
type Stats struct {
	Requests, Replies, Updates uint64 // received
	Repeated                   uint64 // requests received again
	Retries                    uint64 // requests sent again
	Unanswered                 uint64 // addresses given up for the next of the same name
	NotAdmitted                uint64 // flows that the admission policy has refused, of either side
	BadMessage                 uint64 // of another length or code
	UnknownFlow                uint64 // message or packet for an endpoint that does not exist
	Overload                   uint64 // requests dropped because too many wait
	// Sent counts the messages that went out by code, with their length without the header.
	Sent [3]dt.Counter
}

// Config are the parts of a flow allocator.
type Config struct {
	Layer     core.LayerInfo
	DT        *dt.DT
	Directory dir.Directory
	Avoidance ca.Avoidance
	Shaping   shape.Shaper  // nil = none
	Admission adm.Admission // nil = none
	// Rate tells the admission policy what the N-1 flows carry together in bit/s, 0 when unknown. nil = unknown.
	Rate func() int64
	// Cube has the source write the cube of the flow's QoS into the header of its packets (decision 3).
	// Otherwise it is 0, as in the prototype. Messages of the flow allocator are always of cube 0.
	Cube  bool
	MPL   time.Duration // 0 = MPL
	Queue int           // transmit queue of a flow in packets; 0 = QueueLen
	MTU   int           // of the layer in bytes of a user's packet; 0 = what the N-1 flows take
	// SkipUnreachable has a request turn to the next address of a name at once when there is no way to one. Otherwise
	// it waits, as for one that does not answer: the way may come.
	SkipUnreachable bool
}

// FA is a flow allocator. It belongs to the actor of its IPCP.
type FA struct {
	env     core.Env
	cfg     Config
	ids     numbering
	flows   []*flow // by local number - FirstNumber
	free    []uint32
	asked   map[request]*flow // requests of others, whose flows are there or wait for an answer
	pending int               // of them those without an answer
	past    past              // requests of others that are over
	ended   FlowStats         // of flows that are no more
	handler func(core.IncomingFlow)
	st      Stats
	closed  bool
}

// New returns a flow allocator and makes it the component EID of its data transfer.
func New(env core.Env, cfg Config) *FA {
	if cfg.MPL == 0 {
		cfg.MPL = MPL
	}
	if cfg.Queue == 0 {
		cfg.Queue = QueueLen
	}
	a := &FA{env: env, cfg: cfg, ids: numberingOf(cfg.DT.EIDLen()), asked: map[request]*flow{}}
	a.past = newPast(cfg.MPL, a.ids)
	cfg.DT.Handle(EID, a.message)
	cfg.DT.HandleFlows(a.packet)
	return a
}

// OnRequest sets who is told of incoming requests.
func (a *FA) OnRequest(h func(core.IncomingFlow)) { a.handler = h }

// Stats returns the counters so far.
func (a *FA) Stats() Stats { return a.st }

// newFlow makes a flow record with a fresh endpoint id; nil when the table is full.
func (a *FA) newFlow(qos core.QoS) *flow {
	var slot uint32
	if n := len(a.free); n > 0 {
		slot = a.free[n-1]
		a.free = a.free[:n-1]
	} else {
		if len(a.flows) >= a.ids.limit() {
			return nil
		}
		slot = uint32(len(a.flows))
		a.flows = append(a.flows, nil)
	}
	f := &flow{a: a, slot: slot, qos: qos, since: a.env.Now(), cc: a.cfg.Avoidance.NewFlow(a.env.Now()), on: true}
	if a.cfg.Shaping != nil {
		f.shape = a.cfg.Shaping.NewFlow(a.env.Now(), qos)
	}
	if a.cfg.Cube {
		f.cube = qos.Cube()
	}
	f.eid = a.ids.id(slot, a.env.Rand.Uint32())
	f.sender.Wake, f.settle = f.unblocked, f.catchUp
	f.timer = a.env.NewTimer(f.tick)
	a.flows[slot] = f
	return f
}

// lookup returns the flow of an endpoint id, nil if it does not exist. The whole id must be right: the
// number of a flow that is gone may have been given to another (spec 02 §4.2).
func (a *FA) lookup(eid uint64) *flow {
	i := a.ids.slot(eid)
	if i >= uint64(len(a.flows)) {
		return nil
	}
	if f := a.flows[i]; f != nil && f.eid == eid {
		return f
	}
	return nil
}

// packet takes a packet of a flow from the data transfer component.
func (a *FA) packet(eid uint64, ecn uint8, p *pkt.Buf) {
	f := a.lookup(eid)
	if f == nil || !f.receives() {
		a.st.UnknownFlow++
		a.env.Trace.Note(a.env.Now(), trace.PacketDropped, uint64(p.Len()), 1)
		p.Release()
		return
	}
	f.receive(ecn, p)
}

// message takes a flow allocator message.
func (a *FA) message(p *pkt.Buf) {
	defer p.Release()
	if p.Len() > wire.FAMax {
		a.st.BadMessage++
		return
	}
	m, digest, rest, err := wire.ParseFA(p.Bytes(), a.cfg.Layer.Hash.Len())
	if err != nil {
		a.st.BadMessage++
		return
	}
	switch m.Code {
	case wire.FlowReq:
		a.st.Requests++
		a.incoming(m, core.Hash(digest), bytes.Clone(rest))
	case wire.FlowReply:
		a.st.Replies++
		a.replied(m, bytes.Clone(rest))
	case wire.FlowUpdate:
		a.st.Updates++
		a.updated(m)
	}
}

// replied takes an answer to a request of this system.
func (a *FA) replied(m wire.FA, piggyback []byte) {
	f := a.lookup(m.REID)
	switch {
	case f == nil || f.client == nil:
		a.st.UnknownFlow++
	case m.Response >= 0 && m.SEID < FirstNumber:
		a.st.BadMessage++ // the endpoint of a component is no flow
	default:
		f.client.reply(m, piggyback)
	}
}

// updated takes a report of the other end of a flow.
func (a *FA) updated(m wire.FA) {
	f := a.lookup(m.REID)
	if f == nil || f.state != active && f.state != draining {
		a.st.UnknownFlow++
		return
	}
	f.cc.Report(a.env.Now(), m.ECE)
	f.st.UpdatesReceived++
}

// send sends a message to the flow allocator of another member.
func (a *FA) send(dst uint64, m wire.FA, digest core.Hash, piggyback []byte) error {
	n := wire.FAFixed + len(digest) + len(piggyback)
	if n > wire.FAMax {
		return core.SizeError{Len: n, MTU: wire.FAMax}
	}
	_, headroom, _ := a.cfg.DT.Limits()
	p := a.env.Pool.Get(headroom, n)
	b := p.Bytes()
	m.Put(b)
	copy(b[wire.FAFixed:], digest)
	copy(b[wire.FAFixed+len(digest):], piggyback)
	if err := a.cfg.DT.Send(dst, core.CubeBestEffort, EID, 0, p, nil); err != nil {
		return err
	}
	a.st.Sent[m.Code].Add(n)
	return nil
}

// remove takes a flow out of the table.
func (a *FA) remove(f *flow) {
	f.timer.Stop()
	if f.server != nil {
		delete(a.asked, f.server.key)
	}
	if a.flows[f.slot] == f {
		a.flows[f.slot] = nil
		a.free = append(a.free, f.slot)
	}
}

// Flow describes the flow with the given local endpoint id.
func (a *FA) Flow(eid uint64) (FlowInfo, bool) {
	f := a.lookup(eid)
	if f == nil {
		return FlowInfo{}, false
	}
	return f.describe(), true
}

// Flows calls yield for every flow that is allocated, in the order of local numbers.
func (a *FA) Flows(yield func(FlowInfo)) {
	for _, f := range a.flows {
		if f != nil && f.state == active {
			yield(f.describe())
		}
	}
}

// Carried returns the sums of the counters of all flows that are or were.
func (a *FA) Carried() FlowStats {
	sum := a.ended
	for _, f := range a.flows {
		if f != nil {
			sum.add(&f.st)
		}
	}
	return sum
}

// Close ends all flows: the IPCP leaves the layer.
func (a *FA) Close() {
	a.closed = true
	a.Abort(core.ErrFlowDown)
	a.past = past{} // who has left answers nobody
}

// Abort ends all flows that there are, and the requests for some, with an error.
func (a *FA) Abort(err error) {
	for _, f := range a.flows {
		if f != nil {
			f.abort(err)
		}
	}
}
