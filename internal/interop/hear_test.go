package interop

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/ipcp"
	"ouroboros/ipcp/pb"
)

// heardFrame takes a frame of our node.
func (p *puppet) heardFrame(data []byte) {
	f := &seen{data: data, kind: []string{p.shim}, at: p.world.Now()}
	_, eid, body := split(p.shim, data)
	flow := p.flows[eid]
	switch {
	case eid == 0:
		m, err := parseAsk(p.shim, body)
		if err != nil {
			p.t.Errorf("our node has sent a bad message: %v", err)
			return
		}
		f.kind = append(f.kind, m.kind)
	case flow == nil:
		p.t.Errorf("our node has sent to EID %d, which the other side does not have: %x", eid, data)
		return
	default:
		flow.sdus++
		f.kind = append(f.kind, p.kindOf(flow, body)...)
	}
	if out, err := written(&frame{kind: f.kind, data: data, from: zeroMAC, to: zeroMAC}, f.kind, data); err != nil || !bytes.Equal(out, data) {
		p.t.Errorf("our node has sent what is none: %v: %v", f, err)
	}
	k := strings.Join(f.kind, "/")
	switch {
	case strings.Contains(k, "/lsa"), strings.Contains(k, "/dht-"), strings.Contains(k, "/keepalive"), strings.Contains(k, "/frcp-"),
		strings.Contains(k, "/encrypted"), strings.Contains(k, "FLOW_UPDATE"):
		p.loose = append(p.loose, f)
		p.hearLoose(f, body)
	default:
		p.queue = append(p.queue, f)
	}
}

// ttl is that of a packet whose sender our node is.
const ttl = 60

const zeroMAC = "00:00:00:00:00:00"

// kindOf says what our node has sent over a flow of the shim.
func (p *puppet) kindOf(flow *lower, b []byte) []string {
	if p.plain {
		return []string{"data"}
	}
	if flow.sdus == 1 {
		a, err := ipcp.ParseAnnouncement(b)
		if err == nil && flow.component == "" {
			flow.component = component(a)
		}
		return []string{"cep"}
	}
	switch flow.component {
	case "Enrollment":
		switch {
		case !flow.mine:
			return []string{"enroll_resp"}
		case flow.sdus == 2:
			return []string{"enroll_req"}
		}
		return []string{"enroll_ack"}
	case "Management":
		return []string{"lsa"}
	case "broadcast":
		return []string{"broadcast"}
	}
	p.transfer = flow.own
	return append([]string{"pci"}, p.packetKind(b)...)
}

func (p *puppet) packetKind(b []byte) []string {
	if len(b) < layout.Len() {
		return nil
	}
	body := b[layout.Len():]
	switch eid := layout.EndpointID(b); eid {
	case 0:
		m, _, _, err := wire.ParseFA(body, hashLen)
		if err != nil {
			return []string{"fa-?"}
		}
		switch m.Code {
		case wire.FlowReq:
			return []string{"fa-FLOW_REQ", "oap-request"}
		case wire.FlowReply:
			return []string{"fa-FLOW_REPLY", "oap-response"}
		}
		return []string{"fa-" + m.Code.String()}
	case 1:
		var m pb.Dht
		if proto.Unmarshal(body, &m) != nil || int(m.GetCode()) >= len(dhtNames) {
			return []string{"dht-?"}
		}
		return []string{"dht-" + dhtNames[m.GetCode()]}
	default:
		u := p.users[eid]
		switch {
		case len(body) == 0:
			return []string{"keepalive"}
		case u == nil && *layout.TTL(b) != ttl:
			return []string{"data"} // of flows of other nodes, which are raw where ours is between them
		case u == nil:
			return []string{"unknown"}
		case u.encrypted:
			return []string{"encrypted"}
		case u.qos.Mode() == core.ModeRaw:
			return []string{"data"}
		}
		h, err := wire.ParseFRCP(body)
		if err != nil {
			return []string{"frcp-?"}
		}
		return []string{"frcp-" + h.Flags.String()}
	}
}

// hearLoose notes what the puppet needs of frames that come in their own time.
func (p *puppet) hearLoose(f *seen, body []byte) {
	if f.kind[1] != "pci" || *layout.TTL(body) != ttl {
		return
	}
	eid, in := layout.EndpointID(body), body[layout.Len():]
	switch u := p.users[eid]; {
	case strings.HasPrefix(f.kind[2], "dht-"):
		m := new(pb.Dht)
		if proto.Unmarshal(in, m) == nil {
			p.hearDHT(m)
		}
	case u == nil:
	case u.encrypted:
		u.sizes = append(u.sizes, len(in))
	case strings.HasPrefix(f.kind[2], "frcp-"):
		h, _ := wire.ParseFRCP(in)
		if h.Flags&wire.FRCPAck != 0 && (u.acked == 0 || int32(h.Ackno-u.acked) > 0) {
			u.acked = h.Ackno
		}
		if h.Flags&wire.FRCPData != 0 {
			if !u.based {
				u.base, u.based = h.Seqno, true
			}
			u.said.add(h.Seqno, string(in[wire.FRCPLen:]))
		}
	}
}

// hearDHT answers no message; it notes the requests, and strikes off what is answered.
func (p *puppet) hearDHT(m *pb.Dht) {
	p.self = m.Src.Id
	switch m.GetCode() {
	case 1, 3:
		p.lookups = append(p.lookups, m)
		p.pool.NewTimer(func() { p.reply(m) }).Reset(replyAfter)
	case 2, 4:
		p.pending = slices.DeleteFunc(p.pending, func(q *pb.Dht) bool {
			return q.GetCode()+1 == m.GetCode() && q.Find.GetCookie() == m.Node.GetCookie() && bytes.Equal(q.Find.Key, m.Node.GetKey())
		})
	}
}

// replyAfter is when the puppet answers a lookup for which the capture has had no answer by then.
const replyAfter = 30 * time.Millisecond

// reply answers a lookup of our node as a member of the prototype does that knows our node alone, and the names of
// know: it is no message of the capture.
func (p *puppet) reply(q *pb.Dht) {
	k := slices.Index(p.lookups, q)
	if k < 0 || p.src == nil {
		return
	}
	p.lookups = slices.Delete(p.lookups, k, k+1)
	m := &pb.Dht{Code: proto.Uint32(q.GetCode() + 1), Src: p.src, Node: &pb.DhtFindNodeRsp{
		Cookie: q.Find.Cookie, Key: q.Find.Key, Contacts: []*pb.DhtContact{q.Src},
	}}
	if q.GetCode() == 3 {
		m.Val = &pb.DhtFindValueRsp{}
		for _, n := range p.know {
			if string(core.SHA3_256.Sum(n)) == string(q.Find.Key) {
				m.Val.Values = append(m.Val.Values, binary.BigEndian.AppendUint64(nil, p.src.GetAddr()))
			}
		}
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	p.ok(err)
	packet := append(make([]byte, layout.Len()), body...)
	layout.Put(packet, q.Src.GetAddr(), 0, 60, 0, 1)
	for _, l := range p.flows {
		if l.component == ipcp.DataTransfer.Component && l.own == p.transfer {
			p.send(join(p.shim, make([]byte, 4), l.ours, packet))
		}
	}
}
