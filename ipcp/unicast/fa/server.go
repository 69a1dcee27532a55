package fa

import (
	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
)

// server is what a flow keeps of the request that it answers (spec 03 §4.2).
type server struct {
	code      core.Code
	piggyback []byte
	answered  bool
}

// incoming takes a request of another member. A repetition gets the answer again, if there is one.
func (a *FA) incoming(m wire.FA, h core.Hash, piggyback []byte) {
	key := request{src: m.Source, seid: m.SEID}
	if f := a.asked[key]; f != nil {
		a.st.Repeated++
		if f.server.answered {
			_ = f.answer()
		}
		return
	}
	qos := core.QoS{
		Delay: m.Delay, Bandwidth: m.Bandwidth, Availability: m.Availability, Loss: m.Loss,
		BER: m.BER, InOrder: m.InOrder, MaxGap: m.MaxGap, Timeout: m.Timeout,
	}
	if m.Source == 0 || m.SEID < FirstNumber {
		a.st.BadMessage++
		return
	}
	if a.closed || a.handler == nil || a.pending >= maxPending {
		a.st.Overload++
		return
	}
	f := a.newFlow(qos)
	if f == nil {
		a.st.Overload++
		return
	}
	f.raddr, f.reid, f.state = m.Source, m.SEID, answering
	f.key, f.server = key, &server{}
	a.asked[key] = f
	a.pending++
	a.handler(core.IncomingFlow{Hash: h, QoS: qos, MPL: a.cfg.MPL, Piggyback: piggyback, Respond: f.respond})
}

// respond answers the request. A refused flow keeps its record for a while, so that a repeated request
// is refused again and not asked again.
func (f *flow) respond(code core.Code, piggyback []byte) (core.Flow, error) {
	if f.state != answering || f.server.answered {
		return nil, core.ErrNotAlloc
	}
	f.a.pending--
	f.server.code, f.server.piggyback, f.server.answered = code, piggyback, true
	err := f.answer()
	if code != 0 {
		f.linger(2 * retryMax)
		return nil, err
	}
	f.state = active
	f.a.env.Trace.Note(f.a.env.Now(), trace.FlowAllocated, f.eid, f.reid)
	return f, nil
}

// answer sends the reply. If it is lost, the repeated request brings it again (spec 03 §11).
func (f *flow) answer() error {
	return f.a.send(f.raddr, wire.FA{
		REID: f.reid, SEID: f.eid, Response: -int32(f.server.code), Code: wire.FlowReply,
	}, "", f.server.piggyback)
}
