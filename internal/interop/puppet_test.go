package interop

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

// puppet is a node of the prototype that says what it has said in a capture. What it said depends on numbers that
// the other side had chosen; where our node has chosen another one, the puppet says that. These numbers, and nothing
// else, differ from the capture:
//
//   - EIDs of the shim and of the flow allocator that our node has given out
//   - ids of handshakes, enrollments and lookups that our node has made, in the answers to them
//   - the hash of our request in the response to it; the timestamp of the puppet's own requests, which is now
//   - identifiers of our node in the directory
//   - acks and windows, which count from our first sequence number
//   - addresses, where a capture without a beginning goes on after one with other members (alias)
type puppet struct {
	*session
	link core.Link
	to   core.Addr // of our node on datagram links

	eids  map[uint32]uint32 // EIDs of our node in the capture, and those that it has now
	ends  map[uint64]uint64 // endpoint ids likewise
	alias map[uint64]uint64 // addresses in the capture, and those that are used

	flows map[uint32]*lower // by the puppet's EID
	users map[uint64]*upper // by the puppet's endpoint id

	asked   map[string][]byte // by the id in the capture: the handshake request of our node
	posed   map[string][]byte // by id: that of the puppet
	id      ipcp.OEPID        // of the enrollment of our node
	self    []byte            // identifier of our node in the directory, and in the capture
	selfCap []byte
	lookups []*pb.Dht // requests of our node that have no answer
	pending []*pb.Dht // requests of the puppet that have no answer

	pool     core.Env       // of the puppet
	src      *pb.DhtContact // the puppet in the directory
	transfer uint32         // the puppet's EID of the last flow for data transfer
}

// lower is a flow of the shim between the two nodes.
type lower struct {
	own       uint32 // EID of the puppet
	captured  uint32 // EID of our node in the capture
	ours      uint32 // and now
	mine      bool   // our node has asked for it
	component string
	sdus      int // that our node has sent
}

// upper is a flow of the layer between applications of the two nodes.
type upper struct {
	own       uint64 // endpoint id of the puppet
	mine      bool   // our node has asked for it
	qos       core.QoS
	encrypted bool
	// base is the first sequence number of our node, now and in the capture.
	base, baseCap   uint32
	based, basedCap bool
	heard           []string // what our application has received
	heardCap        record   // and should
	said, saidCap   record   // what our node has sent, and should
	acked           uint32   // the highest ack of our node
	sizes           []int    // of encrypted packets
}

// record is the messages of one direction, each once, in the order of their sequence numbers; those of a raw flow count
// from 0.
type record struct {
	seqnos []uint32
	text   map[uint32]string
}

// add notes a message, and reports whether it was new.
func (r *record) add(seqno uint32, text string) bool {
	if _, ok := r.text[seqno]; ok {
		return false
	}
	if r.text == nil {
		r.text = map[uint32]string{}
	}
	r.text[seqno] = text
	r.seqnos = append(r.seqnos, seqno)
	return true
}

// ordered returns the sequence numbers in order.
func (r *record) ordered() []uint32 {
	if len(r.seqnos) > 0 {
		first := r.seqnos[0]
		slices.SortFunc(r.seqnos, func(a, b uint32) int { return cmp.Compare(int32(a-first), int32(b-first)) })
	}
	return r.seqnos
}

// all returns the messages.
func (r *record) all() []string {
	var out []string
	for _, q := range r.ordered() {
		out = append(out, r.text[q])
	}
	return out
}

func newPuppet(s *session, env core.Env, link core.Link) *puppet {
	p := &puppet{
		session: s, pool: env, link: link, eids: map[uint32]uint32{}, ends: map[uint64]uint64{}, alias: map[uint64]uint64{},
		flows: map[uint32]*lower{}, users: map[uint64]*upper{}, asked: map[string][]byte{},
		posed: map[string][]byte{},
	}
	link.Attach(p)
	return p
}

// used returns the address that stands for one of the capture.
func (p *puppet) used(a uint64) uint64 {
	if u, ok := p.alias[a]; ok {
		return u
	}
	return a
}

// Receive takes a frame of our node off the link.
func (p *puppet) Receive(b *pkt.Buf, _ core.Addr) {
	data := bytes.Clone(b.Bytes())
	b.Release()
	switch p.shim { // without padding
	case "dix":
		data = data[14 : wire.DIXFrameHeaderLen+wire.DIXFrame(data).Length()]
	case "llc":
		data = data[14 : 14+wire.LLCFrame(data).Length()]
	}
	p.heardFrame(data)
}

// Writable and LinkState complete core.LinkUser.
func (p *puppet) Writable()      {}
func (p *puppet) LinkState(bool) {}

// send sends an Ethernet payload or a datagram to our node.
func (p *puppet) send(data []byte) {
	b := p.world.Pool().GetCopy(64, data)
	if p.shim != "udp" {
		n, h := len(data), b.Push(14)
		own, peer := p.link.Info().Addr.MAC(), p.mac
		copy(h, peer[:])
		copy(h[6:], own[:])
		if binary.BigEndian.PutUint16(h[12:], wire.DIXEtherType); p.shim == "llc" {
			binary.BigEndian.PutUint16(h[12:], uint16(n))
		}
	}
	if err := p.link.Send(b, p.to); err != nil {
		p.t.Fatalf("the puppet cannot send: %v", err)
	}
}

func newUpper(own uint64, mine bool, q core.QoS) *upper {
	return &upper{own: own, mine: mine, qos: q}
}

// seen is a frame of our node.
type seen struct {
	kind []string
	data []byte // as of a capture
	at   core.Time
}

func (s *seen) String() string {
	return fmt.Sprintf("%s of %d bytes", strings.Join(s.kind, "/"), len(s.data))
}
