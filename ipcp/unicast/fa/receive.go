package fa

import (
	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
)

// receives reports whether packets for the flow are taken: also before the answer has come, as data may
// overtake it (spec 03 §4.3).
func (f *flow) receives() bool { return f.state == active || f.state == requested }

// receive takes a packet from the layer (spec 03 §6.2).
func (f *flow) receive(ecn uint8, p *pkt.Buf) {
	n := p.Len()
	report, ece := f.cc.Recv(f.a.env.Now(), n, ecn)
	f.st.Received++
	f.st.ReceivedBytes += uint64(n)
	switch {
	case f.sink != nil && f.on && f.rxq.Len() == 0:
		f.sink.Deliver(p)
	case !f.rxq.Push(p, QueueLen):
		f.st.ReceiveFailed++
		f.a.env.Trace.Note(f.a.env.Now(), trace.PacketDropped, uint64(n), 2)
		p.Release()
	}
	if report && f.state == active { // the user may have closed it
		f.st.UpdatesSent++
		// One that is lost is made up for by the next.
		_ = f.a.send(f.raddr, wire.FA{REID: f.reid, ECE: ece, Code: wire.FlowUpdate}, "", nil)
	}
}

// SetReceive turns delivery on or off.
func (f *flow) SetReceive(on bool) {
	f.on = on
	f.post()
}

// Attach sets the user.
func (f *flow) Attach(s core.Sink) {
	f.sink = s
	f.post()
}

// post has the user told what it has missed, if anything, in a call of its own.
func (f *flow) post() {
	wants := f.owed || f.end != nil || f.on && f.rxq.Len() > 0
	if f.posted || f.sink == nil || !wants {
		return
	}
	f.posted = true
	f.a.env.Post(f.settle)
}

// catchUp tells the user what it has missed. Each call may close the flow or stop the delivery.
func (f *flow) catchUp() {
	f.posted = false
	if s := f.sink; s != nil && f.end != nil {
		f.sink = nil
		s.Closed(f.end)
		return
	}
	if f.sink != nil && f.owed {
		f.owed = false
		f.sink.Writable()
	}
	for f.sink != nil && f.on && f.rxq.Len() > 0 && f.state == active {
		f.sink.Deliver(f.rxq.Pop())
	}
}
