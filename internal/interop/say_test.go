package interop

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"

	"google.golang.org/protobuf/proto"

	"ouroboros/core"
	"ouroboros/core/crypt"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

// say returns a frame that the prototype has sent as the puppet sends it, nil if there is nothing to say.
func (p *puppet) say(f *frame) []byte {
	head, eid, body := split(p.shim, f.data)
	if eid == 0 {
		return p.sayManagement(f)
	}
	ours, ok := p.eids[eid]
	if !ok {
		p.t.Fatalf("%s: our node has no EID that stands for %d", f, eid)
	}
	var flow *lower
	for _, l := range p.flows {
		if l.ours == ours {
			flow = l
		}
	}
	body = p.sayBody(f, flow, bytes.Clone(body))
	if body == nil {
		return nil
	}
	return join(p.shim, head, ours, body)
}

// split takes the header of the shim off.
func split(shim string, b []byte) (head []byte, eid uint32, body []byte) {
	switch shim {
	case "dix":
		return b[:4], uint32(binary.BigEndian.Uint16(b)), b[4:]
	case "llc":
		if eid = uint32(bits.Reverse8(b[0])); eid == wire.LLCManagementSAP {
			eid = 0
		}
		return b[:3], eid, b[3:]
	}
	eid = wire.UDPEID(b)
	if eid == 0 {
		return nil, 0, b
	}
	return b[:4], eid, b[4:]
}

// join puts one on.
func join(shim string, head []byte, eid uint32, body []byte) []byte {
	out := append(bytes.Clone(head), body...)
	switch shim {
	case "dix":
		binary.BigEndian.PutUint16(out, uint16(eid))
		binary.BigEndian.PutUint16(out[2:], uint16(len(body)))
	case "llc":
		out[0] = bits.Reverse8(uint8(eid))
	default:
		wire.PutUDPEID(out, eid)
	}
	return out
}

// ask is a management message of either shim.
type ask struct {
	kind       string
	seid, deid uint32
	response   int32
	qos        core.QoS
	digest     string
	oap        []byte
}

func parseAsk(shim string, body []byte) (ask, error) {
	switch shim {
	case "llc":
		m, err := wire.ParseLLCMessage(body, hashLen)
		return ask{
			m.Code.String(), uint32(m.SSAP), uint32(m.DSAP), m.Response,
			core.QoS{Delay: m.Delay, Bandwidth: m.Bandwidth, Availability: m.Availability, Loss: m.Loss, BER: m.BER, InOrder: m.InOrder, MaxGap: m.MaxGap, Timeout: m.Timeout},
			string(m.Digest), m.Piggyback,
		}, err
	case "dix":
		m, err := wire.ParseDIXMessage(body, hashLen)
		return ask{
			m.Code.String(), uint32(m.SEID), uint32(m.DEID), m.Response,
			core.QoS{Delay: m.Delay, Bandwidth: m.Bandwidth, Availability: m.Availability, Loss: m.Loss, BER: m.BER, InOrder: m.InOrder, MaxGap: m.MaxGap, Timeout: m.Timeout},
			string(m.Digest), m.Piggyback,
		}, err
	}
	m, err := wire.ParseUDPMessage(body)
	return ask{
		m.Code.String(), m.SEID, m.DEID, m.Response,
		core.QoS{Delay: m.Delay, Bandwidth: m.Bandwidth, Availability: m.Availability, Loss: m.Loss, BER: m.BER, InOrder: m.InOrder, MaxGap: m.MaxGap, Timeout: m.Timeout},
		string(m.Digest), m.Piggyback,
	}, err
}

// sayManagement is a message of the shim.
func (p *puppet) sayManagement(f *frame) []byte {
	out := bytes.Clone(f.data)
	head, _, body := split(p.shim, out)
	m, err := parseAsk(p.shim, body)
	if err != nil {
		p.t.Fatalf("%s: %v", f, err)
	}
	switch m.kind {
	case "FLOW_REQ":
		p.flows[m.seid] = &lower{own: m.seid}
		if p.plain {
			p.users[uint64(m.seid)] = newUpper(uint64(m.seid), false, m.qos)
		}
		p.restamp(out[len(out)-len(m.oap):])
	case "FLOW_REPLY":
		own, peer := m.seid, m.deid // of the puppet, of our node in the capture
		if p.shim == "udp" {
			own, peer = m.deid, m.seid
		}
		ours, ok := p.eids[peer]
		if !ok {
			p.t.Fatalf("%s: our node has not asked", f)
		}
		p.flows[own] = &lower{own: own, captured: peer, ours: ours, mine: true}
		if p.plain {
			p.users[uint64(own)] = newUpper(uint64(own), true, m.qos)
		}
		switch p.shim {
		case "dix":
			binary.BigEndian.PutUint16(out[len(head)+2:], uint16(ours))
		case "llc":
			out[len(head)+1] = uint8(ours)
		default: // a datagram has no other header here
			binary.BigEndian.PutUint32(out[len(head)+4:], ours)
		}
		p.answer(f, out[len(out)-len(m.oap):])
	}
	return out
}

// restamp moves the timestamp of a request of the puppet to now.
func (p *puppet) restamp(oap []byte) {
	binary.BigEndian.PutUint64(oap[16:], uint64(p.env.Wall()))
	p.posed[string(oap[:16])] = bytes.Clone(oap)
}

// answer makes a response of the capture one to the request that our node has made.
func (p *puppet) answer(f *frame, oap []byte) {
	request := p.asked[string(oap[:16])]
	if request == nil {
		p.t.Fatalf("%s: our node has made no request for this response", f)
	}
	copy(oap, request[:16])
	hash := hashOf(request)
	copy(oap[len(oap)-len(hash):], hash)
}

// hashOf returns the hash of a request that the response to it carries.
func hashOf(request []byte) []byte {
	digest := binary.BigEndian.Uint16(request[28:])
	if digest == 0 {
		digest = crypt.SHA384
	}
	return crypt.Sum(digest, request)
}

// sayBody is what goes over a flow of the shim.
func (p *puppet) sayBody(f *frame, flow *lower, b []byte) []byte {
	switch k := f.kind[1]; k {
	case "cep":
		a, err := ipcp.ParseAnnouncement(b)
		if err != nil {
			p.t.Fatalf("%s: %v", f, err)
		}
		flow.component = component(a)
		if a.Address != 0 {
			a.Address = p.used(a.Address)
		}
		b, _ = a.Marshal()
	case "enroll_resp":
		r, err := ipcp.ParseOEPResponse(b)
		if err != nil {
			p.t.Fatalf("%s: %v", f, err)
		}
		r.ID = p.id
		if d := r.Config.GetUnicast().GetDir().GetDht(); d != nil {
			d.Peer = proto.Uint64(p.used(d.GetPeer()))
		}
		b, _ = r.Marshal()
	case "lsa":
		l, _ := wire.ParseLSA(b)
		l.Dst, l.Src = p.used(l.Dst), p.used(l.Src)
		b = l.Append(nil)
	case "data":
		u := p.users[uint64(flow.own)]
		u.heardCap.add(uint32(len(u.heardCap.seqnos)), string(b))
	case "pci":
		return p.sayPacket(f, b)
	}
	return b
}

// component names what a flow is for.
func component(a ipcp.Announcement) string {
	if a.Component == ipcp.DataTransfer.Component && a.Protocol == "" {
		return "broadcast"
	}
	return a.Component
}

// sayPacket is a packet of the layer.
func (p *puppet) sayPacket(f *frame, b []byte) []byte {
	if p.uni.Address() != p.used(layout.Dst(b)) {
		return b // for another node
	}
	eid := layout.EndpointID(b)
	body := b[layout.Len():]
	switch k := f.kind[2]; {
	case strings.HasPrefix(k, "fa-"):
		if body = p.sayFA(f, body); body == nil {
			return nil
		}
	case strings.HasPrefix(k, "dht-"):
		if body = p.sayDHT(f, body); body == nil {
			return nil
		}
	default:
		ours, ok := p.ends[eid]
		if !ok && k == "keepalive" {
			return nil // of a flow that began before the session
		}
		if !ok {
			p.t.Fatalf("%s: our node has no endpoint that stands for %x", f, eid)
		}
		body = p.sayUser(p.users[p.peerOf[eid]], k, body)
		eid = ours
	}
	out := append(make([]byte, layout.Len()), body...)
	layout.Put(out, p.used(layout.Dst(b)), layout.Cube(b), *layout.TTL(b), *layout.ECN(b), eid)
	return out
}

// sayUser is a packet of a flow between applications.
func (p *puppet) sayUser(u *upper, kind string, body []byte) []byte {
	switch {
	case u == nil || u.encrypted:
	case kind == "data":
		u.heardCap.add(uint32(len(u.heardCap.seqnos)), string(body))
	case strings.HasPrefix(kind, "frcp-"):
		h, _ := wire.ParseFRCP(body)
		shift := u.base - u.baseCap
		if h.Flags&wire.FRCPAck != 0 {
			h.Ackno += shift
		}
		if h.Flags&wire.FRCPFC != 0 {
			h.Window = (h.Window + shift) & (1<<24 - 1)
		}
		if h.Flags&wire.FRCPData != 0 {
			u.heardCap.add(h.Seqno, string(body[wire.FRCPLen:]))
		}
		h.Put(body)
	}
	return body
}

// sayFA is a message of the flow allocator.
func (p *puppet) sayFA(f *frame, body []byte) []byte {
	m, digest, rest, err := wire.ParseFA(body, hashLen)
	if err != nil {
		p.t.Fatalf("%s: %v", f, err)
	}
	switch m.Code {
	case wire.FlowReq:
		m.Source = p.used(m.Source)
		p.restamp(rest)
		p.users[m.SEID] = newUpper(m.SEID, false, faQoS(&m))
		p.users[m.SEID].encrypted = binary.BigEndian.Uint16(rest[24:]) != 0
	case wire.FlowReply:
		p.peerOf[m.REID] = m.SEID
		u := newUpper(m.SEID, true, p.qosOf[m.REID])
		u.encrypted = binary.BigEndian.Uint16(rest[24:]) != 0
		p.users[m.SEID] = u
		if m.REID = p.ends[m.REID]; m.REID == 0 {
			p.t.Fatalf("%s: our node has not asked", f)
		}
		p.answer(f, rest)
	case wire.FlowUpdate:
		if m.REID = p.ends[m.REID]; m.REID == 0 {
			return nil
		}
	}
	out := make([]byte, wire.FAFixed)
	m.Put(out)
	return append(append(out, digest...), rest...)
}

func faQoS(m *wire.FA) core.QoS {
	return core.QoS{
		Delay: m.Delay, Bandwidth: m.Bandwidth, Availability: m.Availability, Loss: m.Loss, BER: m.BER,
		InOrder: m.InOrder, MaxGap: m.MaxGap, Timeout: m.Timeout,
	}
}

// sayDHT is a message of the directory. A response without a request of our node is not said.
func (p *puppet) sayDHT(f *frame, body []byte) []byte {
	m := new(pb.Dht)
	if err := proto.Unmarshal(body, m); err != nil {
		p.t.Fatalf("%s: %v", f, err)
	}
	p.rename(m)
	p.src = m.Src
	switch m.GetCode() {
	case 1, 3:
		p.pending = append(p.pending, m)
	case 2, 4:
		k := -1
		for i, q := range p.lookups {
			if q.GetCode()+1 == m.GetCode() {
				k = i
				break
			}
		}
		if k < 0 {
			return nil
		}
		m.Node.Cookie, m.Node.Key = p.lookups[k].Find.Cookie, p.lookups[k].Find.Key
		p.lookups = append(p.lookups[:k:k], p.lookups[k+1:]...)
	}
	out, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		p.t.Fatalf("%s: %v", f, err)
	}
	return out
}

// rename puts the identifiers and addresses in use into a message of the directory.
func (p *puppet) rename(m *pb.Dht) {
	contacts := []*pb.DhtContact{m.Src}
	contacts = append(contacts, m.GetNode().GetContacts()...)
	for _, c := range contacts {
		c.Addr = proto.Uint64(p.used(c.GetAddr()))
		if p.selfCap != nil && bytes.Equal(c.Id, p.selfCap) && p.self != nil {
			c.Id = p.self
		}
	}
	if m.Store != nil && len(m.Store.Val) == 8 {
		m.Store.Val = binary.BigEndian.AppendUint64(nil, p.used(binary.BigEndian.Uint64(m.Store.Val)))
	}
}
