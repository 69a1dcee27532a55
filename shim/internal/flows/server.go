package flows

import (
	"bytes"
	"fmt"

	"ouroboros/core"
)

// handshakeID is how many bytes at the front of the piggyback tell one request from another: the id
// of the handshake (spec 11 §11.2).
const handshakeID = 16

// requestKey identifies a request, so that a repeated one is known.
type requestKey struct {
	from core.Addr
	eid  uint32
	id   [handshakeID]byte
}

// keyOf returns the key of a request. One without a handshake id cannot be told from a new request:
// each counts as new, as in the prototype (spec 01 §2.3.1).
func keyOf(msg *Message, from core.Addr) (k requestKey, ok bool) {
	if len(msg.Piggyback) < handshakeID {
		return requestKey{}, false
	}
	return requestKey{from, msg.Source, [handshakeID]byte(msg.Piggyback)}, true
}

// incoming is a request that the broker has not answered yet.
type incoming struct {
	m       *Machine
	key     requestKey
	tracked bool
	client  uint32
	from    core.Addr
	qos     core.QoS
	over    bool
}

// request handles FLOW_REQ at the responder.
func (m *Machine) request(msg *Message, from core.Addr) {
	if !m.canBePeer(msg.Source) {
		m.Drop.EID++
		return
	}
	key, tracked := keyOf(msg, from)
	if tracked {
		if reply := m.answered[key]; reply != nil {
			m.Repeated++
			m.send(reply, from)
			return
		}
		if m.pending[key] != nil {
			return
		}
	}
	in := &incoming{m: m, key: key, tracked: tracked, client: msg.Source, from: from, qos: msg.QoS}
	if _, known := m.registry[msg.Hash]; !known || m.onRequest == nil {
		in.answer(&Message{Response: -int32(core.ErrName)})
		return
	}
	if m.unanswered >= maxPending {
		m.Drop.Refused++
		return
	}
	m.unanswered++
	if tracked {
		m.pending[key] = in
	}
	m.onRequest(core.IncomingFlow{
		Hash: msg.Hash, QoS: msg.QoS, MPL: m.cfg.MPL,
		Piggyback: bytes.Clone(msg.Piggyback), Respond: in.respond,
	})
}

// respond is the broker's answer.
func (in *incoming) respond(code core.Code, piggyback []byte) (core.Flow, error) {
	m := in.m
	if in.over {
		return nil, fmt.Errorf("%w: request answered twice", core.ErrInvalid)
	}
	in.over = true
	m.unanswered--
	if in.tracked {
		delete(m.pending, in.key)
	}
	if m.left {
		return nil, core.ErrIPCPState
	}
	if n := m.cfg.Fixed + len(piggyback); code == 0 && n > m.management() {
		in.answer(&Message{Response: -int32(core.ErrMsgSize)})
		return nil, fmt.Errorf("%w: allocation reply of %d bytes, layer %q takes %d", core.ErrMsgSize, n, m.cfg.Layer.Name, m.management())
	}
	if code != 0 {
		in.answer(&Message{Response: -int32(code), Piggyback: bytes.Clone(piggyback)})
		return nil, nil
	}
	e, err := m.newEnd(in.qos)
	if err != nil {
		in.answer(&Message{Response: -int32(core.CodeOf(err))})
		return nil, err
	}
	e.key, e.tracked = in.key, in.tracked
	m.allocate(e, in.from, in.client)
	in.answer(&Message{Source: e.eid, Piggyback: bytes.Clone(piggyback)})
	return e, nil
}

// answer sends a reply and remembers it for repeated requests: an acceptance as long as its flow
// stands, a refusal until enough others have followed.
func (in *incoming) answer(reply *Message) {
	m := in.m
	reply.Kind, reply.Dest = Reply, in.client
	if in.tracked {
		m.answered[in.key] = reply
		if reply.Response != 0 {
			m.refused = append(m.refused, in.key)
			if len(m.refused) > maxRefused {
				delete(m.answered, m.refused[0])
				m.refused = append(m.refused[:0], m.refused[1:]...)
			}
		}
	}
	m.send(reply, in.from)
}
