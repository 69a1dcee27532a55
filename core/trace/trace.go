// Package trace records what can be observed of a run: frames sent, delivered and dropped, messages
// delivered, tables changed. Every component writes into its own stream, so that the record does not
// depend on how the engine interleaves components at one instant. The streams, combined by id, are
// the fingerprint of the run (design §3). A fingerprint does not change when a capture is taken or
// when the engine is rebuilt, as long as what can be observed stays the same.
package trace

import "ouroboros/core/clock"

// Kind says what happened.
type Kind uint8

// Packet events are only hashed. Events from Control on are rare and are also handed to the observer.
const (
	FrameSent Kind = iota + 1
	FrameDelivered
	FrameDropped
	MessageSent
	MessageDelivered
	PacketDropped

	// Control separates the events of the packet path from the rare ones.
	Control
	LinkDown      // a: address of the neighbour
	LinkUp        // a: address of the neighbour
	AdjacencyLost // a: address of the neighbour; the node knows that its link has failed
	AdjacencyUp   // a: address of the neighbour
	LSAOriginated // a, b: destination and sequence number
	LSAAccepted   // a, b: source and destination of an announcement or withdrawal that was new
	RoutesChanged // a: number of destinations; computed and installed at this time
	FlowAllocated // a: local endpoint id
	FlowFailed    // a: reason
	FlowClosed    // a: local endpoint id
	AddressChanged
)

var kindNames = [...]string{
	FrameSent: "frame-sent", FrameDelivered: "frame-delivered", FrameDropped: "frame-dropped",
	MessageSent: "message-sent", MessageDelivered: "message-delivered", PacketDropped: "packet-dropped",
	Control: "control", LinkDown: "link-down", LinkUp: "link-up", AdjacencyLost: "adjacency-lost",
	AdjacencyUp: "adjacency-up", LSAOriginated: "lsa-originated", LSAAccepted: "lsa-accepted",
	RoutesChanged: "routes-changed", FlowAllocated: "flow-allocated", FlowFailed: "flow-failed",
	FlowClosed: "flow-closed", AddressChanged: "address-changed",
}

// String returns the name of the kind as results print it.
func (k Kind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "unknown"
}

// Event is one observed event of the control plane.
type Event struct {
	Time   clock.Time
	Stream string // path of the component, for instance "seattle/net/routing"
	Kind   Kind
	A, B   uint64
}

// Observer receives the control events of a run as they happen. It must not touch the components.
type Observer func(Event)

// Tracer is the stream of one component. The zero pointer discards.
type Tracer struct {
	name string
	id   uint64
	sum  uint64
	n    uint64
	hub  *Hub
}

// Note records an event with up to two values.
func (t *Tracer) Note(now clock.Time, k Kind, a, b uint64) {
	if t == nil {
		return
	}
	// The kind stands where no time reaches in the life of a run, and b is spread over all bits, so that
	// no value can make up for another.
	h := t.sum ^ uint64(now) ^ uint64(k)<<56
	h = (h ^ h>>32) * 0x9E3779B97F4A7C15
	h ^= a
	h = (h ^ h>>29) * 0xBF58476D1CE4E5B9
	t.sum = h ^ h>>32 ^ (b+1)*0x94D049BB133111EB
	t.n++
	if k >= Control && t.hub.observe != nil {
		t.hub.observe(Event{Time: now, Stream: t.name, Kind: k, A: a, B: b})
	}
}

// Name returns the path of the component.
func (t *Tracer) Name() string { return t.name }

// Count returns the number of events recorded.
func (t *Tracer) Count() uint64 { return t.n }

// Hub holds the streams of one run.
type Hub struct {
	streams []*Tracer
	observe Observer
}

// NewHub returns a hub; observe may be nil.
func NewHub(observe Observer) *Hub { return &Hub{observe: observe} }

// Observe sets the observer of control events.
func (h *Hub) Observe(o Observer) { h.observe = o }

// Stream makes the stream of the component with the given id and path. Ids are (node, counter within
// the node), so that adding a component renumbers no other.
func (h *Hub) Stream(id uint64, name string) *Tracer {
	t := &Tracer{name: name, id: id, hub: h, sum: mix(id)}
	h.streams = append(h.streams, t)
	return t
}

// Passing makes a stream that the hub does not keep: its events reach the observer and are no part of the fingerprint. It is
// for worlds that go on for ever, in which components come and go.
func (h *Hub) Passing(id uint64, name string) *Tracer {
	return &Tracer{name: name, id: id, hub: h, sum: mix(id)}
}

// Fingerprint combines all streams by id, in no particular order, and leaves out those without an
// event.
func (h *Hub) Fingerprint() uint64 {
	var f uint64
	for _, t := range h.streams {
		if t.n > 0 {
			f += mix(t.sum ^ mix(t.id+t.n))
		}
	}
	return f
}

// mix is the finaliser of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
// generators, OOPSLA 2014).
func mix(x uint64) uint64 {
	x += 0x9E3779B97F4A7C15
	x = (x ^ x>>30) * 0xBF58476D1CE4E5B9
	x = (x ^ x>>27) * 0x94D049BB133111EB
	return x ^ x>>31
}
