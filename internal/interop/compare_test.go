package interop

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"ouroboros/core/wire"
	"ouroboros/ipcp"
)

// compare holds a frame of our node to that of the capture, but for what each side chooses for itself, and notes
// what our node has chosen.
func (s *session) compare(f *frame, got *seen) error {
	kind := f.kind
	if len(kind) > 2 && kind[1] != "pci" {
		kind = kind[:2] // without the handshake
	}
	if !slices.Equal(kind, got.kind) {
		return fmt.Errorf("another kind of message")
	}
	_, capEID, capBody := split(s.shim, f.data)
	_, eid, body := split(s.shim, got.data)
	if capEID != eid {
		return fmt.Errorf("to EID %d", eid)
	}
	switch k := f.kind[1]; {
	case eid == 0:
		return s.compareAsk(capBody, body)
	case k == "enroll_req":
		id, err := ipcp.ParseOEPRequest(body)
		s.id = id
		return err
	case k == "enroll_ack":
		id, result, err := ipcp.ParseOEPAck(body)
		if err == nil && (result != 0 || id != s.id) {
			err = fmt.Errorf("result %d, id %x", result, id)
		}
		return err
	case k == "enroll_resp":
		return s.compareResponse(capBody, body)
	case k == "cep":
		return s.compareCEP(capBody, body)
	case k == "pci":
		return s.comparePacket(f.kind[2], capBody, body)
	}
	return alike(capBody, body)
}

func alike(want, got []byte) error {
	if !bytes.Equal(want, got) {
		return fmt.Errorf("%x is not %x", got, want)
	}
	return nil
}

// compareAsk compares messages of the shim.
func (s *session) compareAsk(want, got []byte) error {
	w, err := parseAsk(s.shim, want)
	g, err2 := parseAsk(s.shim, got)
	if err != nil || err2 != nil {
		return fmt.Errorf("%w, %w", err, err2)
	}
	if w.qos != g.qos || w.response != g.response || w.digest != g.digest {
		return fmt.Errorf("%+v", g)
	}
	switch w.kind {
	case "FLOW_REQ":
		s.eids[w.seid] = g.seid
		s.asked[string(w.oap[:16])] = bytes.Clone(g.oap)
	case "FLOW_REPLY":
		own, ours, captured := g.deid, g.seid, w.seid
		if s.shim == "udp" { // a reply has the EIDs where the request has them
			own, ours, captured = g.seid, g.deid, w.deid
		}
		l := s.flows[own]
		if l == nil {
			return fmt.Errorf("EID %d has not asked", own)
		}
		l.ours, l.captured = ours, captured
		s.eids[captured] = ours
	}
	return s.compareOAP(w.oap, g.oap)
}

// compareOAP compares handshakes: all fields but id, time, keys, and the hash of what differs in these.
func (s *session) compareOAP(want, got []byte) error {
	if len(want) != len(got) {
		return fmt.Errorf("handshake of %d bytes, not %d", len(got), len(want))
	}
	if len(want) == 0 {
		return nil
	}
	if request := s.posed[string(want[:16])]; request != nil { // it is a response
		hash := hashOf(request)
		if !bytes.Equal(got[:16], want[:16]) || !bytes.HasSuffix(got, hash) {
			return fmt.Errorf("it is not the response to %x", request)
		}
	}
	return alike(want[24:36], got[24:36])
}

func (s *session) compareCEP(want, got []byte) error {
	w, err := ipcp.ParseAnnouncement(want)
	g, err2 := ipcp.ParseAnnouncement(got)
	if w.Address != 0 {
		w.Address = s.used(w.Address)
	}
	if err != nil || err2 != nil || w != g {
		return fmt.Errorf("%+v, not %+v: %w, %w", g, w, err, err2)
	}
	return nil
}

// compareResponse compares the configurations that members hand on.
func (s *session) compareResponse(want, got []byte) error {
	w, err := ipcp.ParseOEPResponse(want)
	g, err2 := ipcp.ParseOEPResponse(got)
	if d := w.Config.GetUnicast().GetDir().GetDht(); d != nil {
		d.Peer = proto.Uint64(s.used(d.GetPeer()))
	}
	if err != nil || err2 != nil || w.ID != g.ID || w.Response != g.Response || !proto.Equal(w.Config, g.Config) {
		return fmt.Errorf("%v, not %v: %w, %w", g.Config, w.Config, err, err2)
	}
	return nil
}

// comparePacket compares packets of the layer.
func (s *session) comparePacket(kind string, want, got []byte) error {
	n := layout.Len()
	if *layout.TTL(want) != ttl { // it only passes through
		return alike(want, got)
	}
	if s.used(layout.Dst(want)) != layout.Dst(got) || layout.Cube(want) != layout.Cube(got) || layout.EndpointID(want) != layout.EndpointID(got) ||
		*layout.TTL(want) != *layout.TTL(got) || *layout.ECN(want) != *layout.ECN(got) {
		return fmt.Errorf("header %x, not %x", got[:n], want[:n])
	}
	if !strings.HasPrefix(kind, "fa-") {
		return alike(want[n:], got[n:])
	}
	w, digest, wOAP, err := wire.ParseFA(want[n:], hashLen)
	g, digest2, gOAP, err2 := wire.ParseFA(got[n:], hashLen)
	if err != nil || err2 != nil || !bytes.Equal(digest, digest2) {
		return fmt.Errorf("%x, not %x: %w, %w", digest2, digest, err, err2)
	}
	s.ends[w.SEID] = g.SEID
	if w.Code == wire.FlowReq {
		s.asked[string(wOAP[:16])] = bytes.Clone(gOAP)
	} else {
		s.peerOf[w.SEID] = w.REID
	}
	w.SEID, g.SEID = 0, 0
	w.Source = s.used(w.Source)
	if w != g {
		return fmt.Errorf("%+v, not %+v", g, w)
	}
	return s.compareOAP(wOAP, gOAP)
}
