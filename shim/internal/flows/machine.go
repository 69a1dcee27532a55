// Package flows is what all shims share (spec 01 §2): the registry of local names and the directory
// of remote ones, the name query, the allocation of flows, the flow table and the flow ends with their
// hold queue and back-pressure. A shim adds the form of its frames (Medium) and what it checks on
// receipt.
//
// # Where it differs from the prototype
//
// A request without reply is sent again, with the same EID, until the caller gives up; the responder
// knows a repeated request by its sender, EID and handshake id, and repeats its reply. An unknown name
// is refused at once with a reply (decision 2); that reply takes the pair out of the sender's
// directory. EIDs are not used again before packets of their last flow have died out. Requests are
// handed to the broker as they come, not one at a time: the order of §2.3.4 comes from a lock that we
// do not have.
package flows

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
)

// Kind is the kind of a management message.
type Kind uint8

// The kinds.
const (
	Request Kind = iota
	Reply
	Query
	QueryReply
)

// Message is a management message, whatever its form on the wire.
type Message struct {
	Kind      Kind
	Source    uint32 // EID of the sender's end (Request, Reply)
	Dest      uint32 // EID of the receiver's end (Reply)
	Response  int32  // 0 or a negative code (Reply)
	QoS       core.QoS
	Hash      core.Hash // all but Reply
	Piggyback []byte    // Request, Reply
}

// Frame is the header that a flow puts in front of each packet. It is computed once, when the remote
// end is known; only the length differs from packet to packet.
type Frame struct {
	Header [MaxHeader]byte
	Len    uint8  // bytes of Header in use
	SizeAt uint8  // offset of the length field in Header: two bytes, big-endian; 0 = there is none
	SizeOf uint8  // bytes of the header that the length field counts beside the SDU
	Tag    uint64 // what the shim compares on receipt, for instance the address of the peer
}

// MaxHeader is the longest header of a shim in bytes.
const MaxHeader = 18

// Medium is the part of a shim that knows the form of its frames.
type Medium interface {
	// Encode returns a buffer with the frame of a management message. The zero address means everybody.
	Encode(m *Message, to core.Addr) *pkt.Buf
	// Frame returns the header of data from the flow with the EID own to that with the EID remote of a peer.
	Frame(peer core.Addr, own, remote uint32) Frame
}

// Config describes a shim to its Machine.
type Config struct {
	Layer    core.LayerInfo
	MPL      time.Duration
	FirstEID uint32 // EIDs are chosen from FirstEID to LastEID
	LastEID  uint32
	MinPeer  uint32 // EIDs of peers are from MinPeer to MaxPeer
	MaxPeer  uint32
	MaxMTU   int // upper limit of the layer's MTU in bytes
	Overhead int // bytes of the MTU that the shim header takes
	Header   int // bytes that the shim pushes, the header of the link included
	Fixed    int // bytes of a request without digest and piggyback
	// MaxManagement is the longest management message in bytes that is sent; 0 = as long as an SDU.
	MaxManagement int
	// Recheck has the name of a member that leaves a request without an answer looked up again: it may have got
	// another address, or another member the name. Otherwise the directory keeps what it has (spec 01 §2.2.2).
	Recheck bool
}

// management returns the longest management message in bytes that the layer takes now.
func (m *Machine) management() int {
	if m.cfg.MaxManagement > 0 {
		return min(m.mtu, m.cfg.MaxManagement)
	}
	return m.mtu
}

// canBePeer reports whether a peer can have a flow with the EID that it named.
func (m *Machine) canBePeer(eid uint32) bool {
	return eid >= m.cfg.MinPeer && eid <= m.cfg.MaxPeer
}

// Limits that keep a hostile or broken neighbour from filling the memory.
const (
	maxPending    = 1024    // requests handed to the broker and not answered
	maxRefused    = 256     // refusals remembered for repeated requests
	maxManagement = 1024    // management frames waiting for a blocked link
	maxDigests    = 1 << 16 // digests in the directory
	maxAddresses  = 16      // addresses of one digest
	maxHeld       = 1023    // packets held on a flow that does not receive (design §7, raw flows)
)

// Machine is the shim below its frames. It implements core.Provider.
type Machine struct {
	Counters

	// What every packet needs stands together, in few cache lines.
	table []*End // by EID - first
	first uint32 // the first EID
	up    bool
	mtu   int
	tx    transmit

	env    core.Env
	cfg    Config
	medium Medium
	link   core.Link

	released []releasedEID

	registry  map[core.Hash]struct{}
	dir       directory
	queries   []*query
	onRequest func(core.IncomingFlow)
	pending   map[requestKey]*incoming
	// unanswered counts requests that the broker holds, those without a key included.
	unanswered int
	answered   map[requestKey]*Message
	refused    []requestKey
	left       bool // out of its layer
	// lookUp is Query, of the shim where that has one of its own.
	lookUp func(h core.Hash, done func(found bool)) (cancel func())
}

// Counters counts what a shim did and why it dropped packets.
type Counters struct {
	Sent, SentBytes         uint64 // SDUs of flows and their bytes
	Received, ReceivedBytes uint64
	ManagementSent          uint64
	ManagementReceived      uint64
	Retransmitted           uint64 // requests sent again
	Repeated                uint64 // replies sent again to a repeated request
	Drop                    Drops
}

// Drops counts packets that were dropped, by cause.
type Drops struct {
	Short       uint64 // shorter than its header, or than its length field says (D11, D13)
	Type        uint64 // not of this layer: EtherType or code
	Destination uint64 // for another station (D2)
	Source      uint64 // not from the peer of the flow (D2)
	EID         uint64 // no such flow (D14)
	Size        uint64 // larger than the MTU or the management limit
	Down        uint64 // written on a flow that is down
	Held        uint64 // hold queue full
	Refused     uint64 // requests beyond the limit of pending ones
	Link        uint64 // refused by the link
	Management  uint64 // management frames beyond the limit while the link was blocked
}

// New returns the Machine of a shim over a link. The shim attaches itself to the link and passes its
// calls on.
func New(env core.Env, link core.Link, medium Medium, cfg Config) *Machine {
	m := &Machine{
		env: env, cfg: cfg, medium: medium, link: link, first: cfg.FirstEID,
		registry: make(map[core.Hash]struct{}),
		pending:  make(map[requestKey]*incoming),
		answered: make(map[requestKey]*Message),
	}
	m.lookUp = m.Query
	m.readLink()
	return m
}

// LookUpBy has names looked up by the Query of a shim that has one of its own.
func (m *Machine) LookUpBy(query func(h core.Hash, done func(found bool)) (cancel func())) {
	m.lookUp = query
}

func (m *Machine) readLink() {
	info := m.link.Info()
	m.up = info.Up
	m.mtu = min(info.MTU, m.cfg.MaxMTU) - m.cfg.Overhead
}

// Layer describes the layer.
func (m *Machine) Layer() core.LayerInfo { return m.cfg.Layer }

// Register makes a digest known; twice is a success without effect (spec 01 §2.2.1).
func (m *Machine) Register(h core.Hash) error {
	if m.left {
		return core.ErrIPCPState
	}
	if err := m.checkHash(h); err != nil {
		return err
	}
	m.registry[h] = struct{}{}
	return nil
}

// Unregister takes a digest back; of an unknown one it is a success.
func (m *Machine) Unregister(h core.Hash) { delete(m.registry, h) }

// Join fails with ErrUnsupp: a shim is no broadcast layer.
func (m *Machine) Join(done func(core.Flow, error)) (cancel func()) {
	return m.later(func() { done(nil, core.ErrUnsupp) })
}

// OnRequest sets who is told of incoming requests.
func (m *Machine) OnRequest(f func(core.IncomingFlow)) { m.onRequest = f }

// later posts fn unless it is canceled first.
func (m *Machine) later(fn func()) (cancel func()) {
	live := true
	m.env.Post(func() {
		if live {
			live = false
			fn()
		}
	})
	return func() { live = false }
}

// Handle takes a management message that the shim has decoded and checked for its addresses.
func (m *Machine) Handle(msg *Message, from core.Addr) {
	m.ManagementReceived++
	if m.left {
		return
	}
	switch msg.Kind {
	case Request:
		m.request(msg, from)
	case Reply:
		m.reply(msg, from)
	case Query:
		if _, known := m.registry[msg.Hash]; known {
			m.send(&Message{Kind: QueryReply, Hash: msg.Hash}, from)
		}
	case QueryReply:
		m.found(msg.Hash, from)
	}
}

// LinkState passes a change of the link on to all flows.
func (m *Machine) LinkState(up bool) {
	m.readLink()
	m.up = up
	for i := 0; i < len(m.table); i++ {
		if e := m.table[i]; e != nil && e.state == allocated {
			e.linkState(up)
		}
	}
}
