package fa

import (
	"errors"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/ca"
)

// state of a flow (spec 03 §4.3).
type state uint8

const (
	idle      state = iota // waits for the directory
	requested              // REQ_SENT
	answering              // REQ_RCVD
	refused                // answered with a refusal, which is remembered for repeated requests
	active
	draining // closed by the user; what is queued still goes out
	gone
)

// FlowStats are the counters of a flow (spec 03 §8).
type FlowStats struct {
	Sent, SentBytes         uint64
	SendFailed              uint64 // no route, or the N-1 flow is down
	Received, ReceivedBytes uint64
	ReceiveFailed           uint64 // the user did not take it
	UpdatesSent             uint64
	UpdatesReceived         uint64
	Paused                  time.Duration // by the congestion policy
}

// FlowInfo describes a flow for the management tree and for results.
type FlowInfo struct {
	EID, Remote, RemoteEID uint64
	Stats                  FlowStats
	Congestion             ca.Snapshot
	Queued                 int
}

// flow is one end of a flow of the layer. It implements core.Flow.
type flow struct {
	a     *FA
	slot  uint32
	state state
	qos   core.QoS
	eid   uint64
	raddr uint64
	reid  uint64
	cc    ca.Flow
	timer core.Timer // repetition of the request, pause, or the end of a closed or refused flow

	client *client
	server *server
	key    request

	sink     core.Sink
	txq      queue     // waits for the end of a pause or for the N-1 flow
	rxq      queue     // waits for the user
	resume   core.Time // end of the pause; Never while the flow waits for the N-1 flow
	deadline core.Time // draining: when to give up
	cleared  bool      // the head of txq has had its pause
	waiting  bool      // for the N-1 flow
	blocked  bool      // the user waits for Writable
	owed     bool      // Writable, to a user that has not attached yet
	on       bool      // the user receives
	posted   bool      // settle is posted
	wake     func()    // unblocked
	settle   func()    // catchUp
	end      error     // why the layer has ended the flow, until the user is told
	st       FlowStats
}

func (f *flow) describe() FlowInfo {
	return FlowInfo{EID: f.eid, Remote: f.raddr, RemoteEID: f.reid, Stats: f.st, Congestion: f.cc.Snapshot(), Queued: f.txq.len()}
}

// Info describes the flow.
func (f *flow) Info() core.FlowInfo {
	mtu, headroom, tailroom := f.a.cfg.DT.Limits()
	return core.FlowInfo{
		MTU: mtu, Headroom: headroom, Tailroom: tailroom, QoS: f.qos, MPL: f.a.cfg.MPL, Layer: f.a.cfg.Layer.Name, EID: f.eid,
	}
}

// Queued returns the length of the transmit queue.
func (f *flow) Queued() int { return f.txq.len() }

// Write sends a packet after what the congestion policy asks for (spec 03 §6.1). A paused flow queues;
// a full queue blocks its user alone.
func (f *flow) Write(p *pkt.Buf) error {
	if f.state != active {
		p.Release()
		return core.ErrFlowDown
	}
	if mtu, _, _ := f.a.cfg.DT.Limits(); p.Len() > mtu && mtu > 0 {
		p.Release()
		return core.ErrMsgSize
	}
	if f.txq.len() > 0 {
		if !f.txq.push(p, f.a.cfg.Queue) {
			f.blocked = true
			return core.ErrWouldBlock
		}
		return nil
	}
	if f.pause(p) || !f.transmit(p) {
		f.cleared = true
		f.txq.push(p, f.a.cfg.Queue) // it is empty
	}
	return nil
}

// pause asks the congestion policy about a packet and arms the timer if it has to wait.
func (f *flow) pause(p *pkt.Buf) bool {
	now := f.a.env.Now()
	wait := f.cc.Send(now, p.Len())
	if wait <= 0 {
		return false
	}
	f.cleared = true
	f.st.Paused += wait
	f.resume = now.Add(wait)
	f.arm()
	return true
}

// arm sets the timer for the end of the pause, or of a closed flow.
func (f *flow) arm() {
	at := f.resume
	if f.state == draining {
		at = min(at, f.deadline)
	}
	if at != clock.Never {
		f.timer.Reset(at.Sub(f.a.env.Now()))
	}
}

// transmit hands a packet to data transfer. It reports false if the N-1 flow is full: the packet stays.
func (f *flow) transmit(p *pkt.Buf) bool {
	n := uint64(p.Len())
	err := f.a.cfg.DT.Send(f.raddr, f.qosCube(), f.reid, uint32(f.reid), p, f.wake)
	if errors.Is(err, core.ErrWouldBlock) {
		f.waiting, f.resume = true, clock.Never
		f.arm()
		return false
	}
	if err != nil {
		f.st.SendFailed++
		return true
	}
	f.st.Sent++
	f.st.SentBytes += n
	return true
}

// qosCube is the cube in the header: 0, as on the wire of the prototype, until a layer asks for the
// flow's own (decision 3).
func (f *flow) qosCube() core.Cube { return core.CubeBestEffort }

// unblocked is called when the N-1 flow has room again.
func (f *flow) unblocked() {
	if !f.waiting {
		return
	}
	f.waiting = false
	f.drain()
}

// tick is called by the timer: the request is repeated, a pause is over, or a closed or refused flow has
// had its time.
func (f *flow) tick() {
	switch f.state {
	case requested:
		f.client.again()
	case active:
		f.drain()
	case draining:
		if f.a.env.Now() >= f.deadline {
			f.discard()
			return
		}
		f.drain()
	case refused:
		f.discard()
	case idle, answering, gone:
	}
}

// drain sends what is queued as far as policy and N-1 flow allow.
func (f *flow) drain() {
	for f.txq.len() > 0 {
		p := f.txq.front()
		if !f.cleared && f.pause(p) {
			break
		}
		if !f.transmit(p) {
			f.cleared = true
			break
		}
		f.cleared = false
		f.txq.pop()
	}
	if f.state == draining && f.txq.len() == 0 {
		f.discard()
	}
	if f.blocked && f.txq.len() < f.a.cfg.Queue && f.state == active {
		f.blocked = false
		if f.sink == nil {
			f.owed = true
			return
		}
		f.sink.Writable()
	}
}

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
	case f.sink != nil && f.on && f.rxq.len() == 0:
		f.sink.Deliver(p)
	case !f.rxq.push(p, QueueLen):
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
	wants := f.owed || f.end != nil || f.on && f.rxq.len() > 0
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
	for f.sink != nil && f.on && f.rxq.len() > 0 && f.state == active {
		f.sink.Deliver(f.rxq.pop())
	}
}

// Close deallocates the flow (spec 03 §5). What is queued still goes out, but not for longer than wait.
// The endpoint id does not come back soon: the next flow of its number has other random bits.
func (f *flow) Close(wait time.Duration) {
	f.sink = nil
	if f.state == gone || f.state == draining {
		return
	}
	f.rxq.clear()
	now := f.a.env.Now()
	f.a.env.Trace.Note(now, trace.FlowClosed, f.eid, 0)
	if f.state == active && f.txq.len() > 0 && wait > 0 {
		f.state, f.deadline = draining, now.Add(wait)
		f.arm()
		return
	}
	f.discard()
}

// abort ends the flow from below. Its user is told in a call of its own, unless it closes the flow
// before.
func (f *flow) abort(err error) {
	if c := f.client; c != nil && !c.ended {
		f.a.env.Post(func() { c.fail(err) })
		return
	}
	f.discard()
	f.end = err
	f.post()
}

// discard wipes the record.
func (f *flow) discard() {
	switch f.state {
	case gone:
		return
	case answering:
		f.a.pending--
	case refused:
		f.a.refused--
	case idle, requested, active, draining:
	}
	f.state = gone
	f.txq.clear()
	f.rxq.clear()
	f.a.remove(f)
}
