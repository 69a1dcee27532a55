package fa

import (
	"errors"

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
	if f.state != answering {
		return nil, core.ErrNotAlloc
	}
	a := f.a
	f.server.code, f.server.piggyback, f.server.answered = code, piggyback, true
	err := f.answer()
	switch {
	case errors.Is(err, core.ErrMsgSize): // no repetition can bring it
		f.discard()
		return nil, err
	case code == 0:
		a.pending--
		f.state = active
		a.env.Trace.Note(a.env.Now(), trace.FlowAllocated, f.eid, f.reid)
		return f, nil
	case a.refused >= maxPending:
		f.discard()
		return nil, nil
	}
	a.pending--
	a.refused++
	f.state = refused
	f.timer.Reset(2 * retryMax)
	return nil, nil
}

// answer sends the reply. If it is lost, or there is no route yet, the repeated request brings it again
// (spec 03 §11).
func (f *flow) answer() error {
	return f.a.send(f.raddr, wire.FA{
		REID: f.reid, SEID: f.eid, Response: -int32(f.server.code), Code: wire.FlowReply,
	}, "", f.server.piggyback)
}
