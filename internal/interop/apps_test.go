package interop

import (
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/frcp"
	"ouroboros/ipcp/pb"
)

// spoken returns what the node in our place has sent in a capture over flows with FRCP, by endpoint id.
func spoken(shim, ours string, frames []*frame) map[uint64]*record {
	out := map[uint64]*record{}
	for _, f := range frames {
		if f.from != ours || len(f.kind) < 3 || !strings.HasPrefix(f.kind[2], "frcp-DATA") {
			continue
		}
		_, _, b := split(shim, f.data)
		eid, body := layout.EndpointID(b), b[layout.Len():]
		if out[eid] == nil {
			out[eid] = &record{}
		}
		out[eid].add(wire.FRCP(body).Seqno(), string(body[wire.FRCPLen:]))
	}
	return out
}

// names are those whose digests are in the captures.
var names = []core.Name{"oping", "b", "o2", "o3", "ox", "oenc", "net", "uni1", "uni2", "bc1", "bcast", "nosuch", "second.name"}

func nameOf(digest []byte) core.Name {
	for _, n := range names {
		if string(core.SHA3_256.Sum(n)) == string(digest) || string(core.MD5.Sum(n)) == string(digest) {
			return n
		}
	}
	return ""
}

// use has our applications do what those of the capture did: ask for a flow, and write.
func (s *session) use(f *frame, base core.Time) {
	_, _, b := split(s.shim, f.data)
	if *layout.TTL(b) != ttl {
		return // of an application of another node
	}
	body := b[layout.Len():]
	eid := layout.EndpointID(b)
	switch k := f.kind[2]; {
	case k == "fa-FLOW_REQ":
		m, digest, rest, _ := wire.ParseFA(body, hashLen)
		s.until(base.Add(f.at))
		s.qosOf[m.SEID] = faQoS(&m)
		s.alloc(nameOf(digest), faQoS(&m), m.SEID)
		_ = rest
	case strings.HasPrefix(k, "dht-"):
		var m pb.Dht
		if proto.Unmarshal(body, &m) == nil {
			s.selfCap = m.Src.Id
		}
	case k == "data":
		s.until(base.Add(f.at))
		s.write(f, eid, body)
	case strings.HasPrefix(k, "frcp-"):
		u := s.users[eid]
		h, _ := wire.ParseFRCP(body)
		if u == nil || h.Flags&wire.FRCPData == 0 {
			return
		}
		if !u.basedCap {
			u.baseCap, u.basedCap = h.Seqno, true
		}
		s.until(base.Add(f.at))
		// What comes before it was lost before it could be captured, and is there further down, sent again.
		for _, q := range s.whole[eid].ordered() {
			text := s.whole[eid].text[q]
			if int32(q-h.Seqno) <= 0 && u.saidCap.add(q, text) {
				s.write(f, eid, []byte(text))
			}
		}
		s.until(s.world.Now().Add(20 * time.Microsecond))
	case k == "encrypted" && s.users[eid] != nil:
		// The content is not known; a message of the length of the plain text takes its place.
		s.until(base.Add(f.at))
		if n := len(body) - 28; n > wire.FRCPLen || s.users[eid].qos.Mode() == core.ModeRaw {
			if s.users[eid].qos.Mode() != core.ModeRaw {
				n -= wire.FRCPLen
			}
			s.write(f, eid, make([]byte, n))
		}
	}
}

// write has our application write to the flow to an endpoint of the puppet.
func (s *session) write(f *frame, peer uint64, data []byte) {
	s.t.Helper()
	flow := s.opened[peer]
	if flow == nil {
		s.t.Fatalf("%s: our application has no flow to %x", f, peer)
	}
	p := s.world.Pool().GetCopy(flow.Info().Headroom, data)
	if err := flow.Write(p); err != nil {
		s.t.Fatalf("%s: our application writes: %v", f, err)
	}
}

// app is an application at our end of a flow.
type app struct {
	s *session
	u *upper
}

func (a *app) Deliver(p *pkt.Buf) {
	a.u.heard = append(a.u.heard, string(p.Bytes()))
	p.Release()
}
func (a *app) Writable()    {}
func (a *app) State(bool)   {}
func (a *app) Closed(error) {}

// listener is a user of a broadcast layer.
type listener struct{ s *session }

func (l *listener) Deliver(p *pkt.Buf) {
	l.s.heardB = append(l.s.heardB, string(p.Bytes()))
	p.Release()
}
func (l *listener) Writable()    {}
func (l *listener) State(bool)   {}
func (l *listener) Closed(error) {}

// alloc asks for a flow. captured is its endpoint id in the capture.
func (s *session) alloc(n core.Name, q core.QoS, captured uint64) {
	done := s.operation("alloc " + string(n))
	s.apps.Alloc(core.Request{Name: n, QoS: q, Layer: "net"}, func(f core.Flow, err error) {
		if err == nil {
			s.attach(f, s.peerOf[captured])
		}
		done(err)
	})
}

// allocBelow asks for a flow of the shim.
func (s *session) allocBelow(n core.Name) {
	done := s.operation("alloc " + string(n))
	s.apps.Alloc(core.Request{Name: n, QoS: core.QoSRaw, Layer: "lower"}, func(f core.Flow, err error) {
		for own := range s.flows {
			if err == nil && s.opened[uint64(own)] == nil {
				s.attach(f, uint64(own))
			}
		}
		done(err)
	})
}

// attach puts the end-to-end protocol on a flow, and an application.
func (s *session) attach(f core.Flow, peer uint64) {
	e, err := frcp.Wrap(s.env.Derive("app"), f)
	s.ok(err)
	e.Attach(&app{s, s.users[peer]})
	s.opened[peer] = e
	s.waits = append(s.waits, e)
}

// serve has an application of our node listen to a name.
func (s *session) serve(n core.Name) {
	_, err := s.apps.Listen(n, func(in core.Incoming) {
		f, err := in.Accept()
		if err != nil {
			s.t.Errorf("accept: %v", err)
			return
		}
		// The puppet has one flow that our node has not answered.
		for own, u := range s.users {
			if !u.mine && s.opened[own] == nil {
				s.attach(f, own)
				return
			}
		}
		s.t.Error("nobody asked for the flow that our application got")
	})
	s.ok(err)
}
