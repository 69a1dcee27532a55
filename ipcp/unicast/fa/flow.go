package fa

import (
	"time"

	"ouroboros/core"
	"ouroboros/core/trace"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/shape"
)

// state of a flow (spec 03 §4.3).
type state uint8

const (
	idle      state = iota // waits for the directory
	requested              // REQ_SENT
	answering              // REQ_RCVD
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
	Shaped                  time.Duration // by the shaping policy, beyond that
	Policed                 uint64        // packets that the shaping policy has dropped
}

func (s *FlowStats) add(t *FlowStats) {
	s.Sent += t.Sent
	s.SentBytes += t.SentBytes
	s.SendFailed += t.SendFailed
	s.Received += t.Received
	s.ReceivedBytes += t.ReceivedBytes
	s.ReceiveFailed += t.ReceiveFailed
	s.UpdatesSent += t.UpdatesSent
	s.UpdatesReceived += t.UpdatesReceived
	s.Paused += t.Paused
	s.Shaped += t.Shaped
	s.Policed += t.Policed
}

// FlowInfo describes a flow for the management tree and for results.
type FlowInfo struct {
	EID, Remote, RemoteEID uint64
	Number                 uint64    // local flow number, from FirstNumber
	Since                  core.Time // when this end was made
	Cube                   core.Cube // in the header of its packets
	Stats                  FlowStats
	Congestion             ca.Snapshot
	Queued                 int
}

// flow is one end of a flow of the layer. It implements core.Flow.
type flow struct {
	a     *FA
	slot  uint32
	state state
	stage stage
	cube  core.Cube
	qos   core.QoS
	since core.Time
	eid   uint64
	raddr uint64
	reid  uint64
	cc    ca.Flow
	shape shape.Flow // nil = not shaped
	timer core.Timer // repetition of the request, pause, or the end of a closed flow

	client   *client
	server   *server
	admitted bool // the admission policy counts it

	sink     core.Sink
	txq      queue     // waits for the end of a pause or for the N-1 flow
	rxq      queue     // waits for the user
	resume   core.Time // end of the pause; Never while the flow waits for the N-1 flow
	deadline core.Time // draining: when to give up
	waiting  bool      // for the N-1 flow
	blocked  bool      // the user waits for Writable
	owed     bool      // Writable, to a user that has not attached yet
	on       bool      // the user receives
	posted   bool      // settle is posted
	sender   dt.Sender // as data transfer knows the flow
	settle   func()    // catchUp
	end      error     // why the layer has ended the flow, until the user is told
	st       FlowStats
}

func (f *flow) describe() FlowInfo {
	return FlowInfo{
		EID: f.eid, Remote: f.raddr, RemoteEID: f.reid, Cube: f.cube,
		Number: uint64(f.slot) + FirstNumber, Since: f.since,
		Stats: f.st, Congestion: f.cc.Snapshot(), Queued: f.txq.Len(),
	}
}

// Info describes the flow.
func (f *flow) Info() core.FlowInfo {
	_, headroom, tailroom := f.a.cfg.DT.Limits()
	return core.FlowInfo{
		MTU: f.a.mtu(), Headroom: headroom, Tailroom: tailroom, QoS: f.qos, MPL: f.a.cfg.MPL, Rate: f.a.cfg.DT.Rate(), Layer: f.a.cfg.Layer.Name, EID: f.eid,
	}
}

// mtu returns the longest packet of a flow in bytes: what the layer promises for every way, but no more than the
// N-1 flows take. It is 0 without N-1 flows.
func (a *FA) mtu() int {
	mtu, _, _ := a.cfg.DT.Limits()
	if a.cfg.MTU > 0 {
		return min(mtu, a.cfg.MTU)
	}
	return mtu
}

// admit asks the admission policy to take the flow on.
func (f *flow) admit() error {
	a := f.a
	if a.cfg.Admission == nil {
		return nil
	}
	var rate int64
	if a.cfg.Rate != nil {
		rate = a.cfg.Rate()
	}
	if err := a.cfg.Admission.Admit(f.qos, rate); err != nil {
		a.st.NotAdmitted++
		return err
	}
	f.admitted = true
	return nil
}

// tick is called by the timer: the request is repeated, a pause is over, or a closed flow has had its time.
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
	case idle, answering, gone:
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
	if f.state == active && f.txq.Len() > 0 && wait > 0 {
		f.state, f.deadline = draining, now.Add(wait)
		f.arm()
		return
	}
	f.discard()
}

// abort ends the flow from below. Its user is told in a call of its own, unless it closes the flow
// before.
func (f *flow) abort(err error) {
	if c := f.client; c != nil && !c.ended && !f.a.env.Ended() {
		f.a.env.Post(func() { c.fail(err) })
		return
	}
	f.discard()
	f.end = err
	if f.a.env.Ended() { // no call of its own comes any more, and the user gives back what it holds
		f.catchUp()
		return
	}
	f.post()
}

// discard wipes the record. It is the end of every flow, however far it came.
func (f *flow) discard() {
	switch f.state {
	case gone:
		return
	case answering:
		f.a.pending--
	case active, draining:
		if f.server != nil {
			f.a.past.add(f.a.env.Now(), f.server.key, answer{eid: f.eid, code: core.ErrFlowDown})
		}
	case idle, requested:
	}
	f.state = gone
	if f.admitted {
		f.admitted = false
		f.a.cfg.Admission.Release(f.qos)
	}
	f.txq.clear()
	f.rxq.clear()
	f.a.ended.add(&f.st)
	f.a.remove(f)
}
