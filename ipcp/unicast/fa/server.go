package fa

import (
	"errors"

	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
)

// server is what a flow keeps of the request that it answers (spec 03 §4.2).
type server struct {
	key      request
	answer   answer
	answered bool
}

// incoming takes a request of another member. A repetition gets the answer again, if there is one.
func (a *FA) incoming(m wire.FA, h core.Hash, piggyback []byte) {
	if m.Source == 0 || m.SEID < FirstNumber {
		a.st.BadMessage++
		return
	}
	key := request{src: m.Source, seid: m.SEID}
	if a.repeated(key) {
		return
	}
	if a.closed || a.pending >= maxPending {
		a.st.Overload++
		return
	}
	if a.handler == nil { // nobody has registered a name here (decision 2)
		_ = a.reply(key, answer{code: core.ErrName})
		return
	}
	qos := core.QoS{
		Delay: m.Delay, Bandwidth: m.Bandwidth, Availability: m.Availability, Loss: m.Loss,
		BER: m.BER, InOrder: m.InOrder, MaxGap: m.MaxGap, Timeout: m.Timeout,
	}
	f := a.newFlow(qos)
	if f == nil {
		a.st.Overload++
		return
	}
	f.raddr, f.reid, f.state = m.Source, m.SEID, answering
	f.server = &server{key: key}
	a.asked[key] = f
	a.pending++
	if err := f.admit(); err != nil {
		_ = f.refuse(core.CodeOf(err), nil) // without a piggyback there is none that is too long
		return
	}
	a.handler(core.IncomingFlow{Hash: h, QoS: qos, MPL: a.cfg.MPL, Piggyback: piggyback, Respond: f.respond})
}

// repeated reports whether a request has come before, and answers it again if it has been answered.
func (a *FA) repeated(key request) bool {
	if f := a.asked[key]; f != nil {
		a.st.Repeated++
		if f.server.answered {
			_ = a.reply(key, f.server.answer)
		}
		return true
	}
	ans, ok := a.past.find(a.env.Now(), key)
	if ok {
		a.st.Repeated++
		_ = a.reply(key, ans)
	}
	return ok
}

// respond answers the request. One that cannot be accepted because the answer is too long is refused for
// that: no repetition can bring it.
func (f *flow) respond(code core.Code, piggyback []byte) (core.Flow, error) {
	if f.state != answering {
		return nil, core.ErrNotAlloc
	}
	if code != 0 {
		return nil, f.refuse(code, piggyback)
	}
	a, s := f.a, f.server
	s.answer, s.answered = answer{eid: f.eid, piggyback: piggyback}, true
	if err := a.reply(s.key, s.answer); errors.Is(err, core.ErrMsgSize) {
		_ = f.refuse(core.ErrMsgSize, nil)
		return nil, err
	}
	a.pending--
	f.state = active
	a.env.Trace.Note(a.env.Now(), trace.FlowAllocated, f.eid, f.reid)
	return f, nil
}

// refuse answers with an error and wipes the record. The answer is remembered, so that a repeated request
// is refused again and not asked again. A piggyback that is too long is left out, which the error tells.
func (f *flow) refuse(code core.Code, piggyback []byte) (err error) {
	a, key := f.a, f.server.key
	ans := answer{eid: f.eid, code: code, piggyback: piggyback}
	if err = a.reply(key, ans); errors.Is(err, core.ErrMsgSize) {
		ans.piggyback = nil
		_ = a.reply(key, ans)
	} else {
		err = nil
	}
	f.discard()
	a.past.add(a.env.Now(), key, ans)
	return err
}

// reply sends the answer of a request. If it is lost, or there is no route yet, the repeated request brings
// it again (spec 03 §11).
func (a *FA) reply(key request, ans answer) error {
	return a.send(key.src, wire.FA{
		REID: key.seid, SEID: ans.eid, Response: -int32(ans.code), Code: wire.FlowReply,
	}, "", ans.piggyback)
}
