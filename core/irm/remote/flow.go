package remote

import (
	"fmt"
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
)

type phase uint8

const (
	phaseAsking  phase = iota // the broker has not answered
	phaseOffered              // this application has not answered
	phaseOpen
	phaseEnding // this side has said its last word, the other not
	phaseOver
)

// flow is the application's end of a flow: a core.Flow.
type flow struct {
	c    *Client
	sink core.Sink
	rx   ring.Ring[*pkt.Buf] // arrived and not delivered
	id   uint32

	credit  int    // that is left for packets to the layer
	sent    uint32 // packets since the flow was opened
	taken   uint32 // of them by the layer
	layerQ  int    // the queue of the layer, as last heard
	allow   int    // credit that the other end has for packets to this one
	owed    int    // credit to be given back for packets that were delivered
	burst   int    // packets handed to the user since others had a turn
	phase   phase
	on      bool // the user receives
	blocked bool // the user waits for Writable
	queued  bool // in c.waiters
	down    bool
	posted  bool
	told    bool // the user knows the end
	paced   bool
	resting bool // in c.resting

	wait time.Duration // for Close, while the flow rests
	over error         // why the broker has ended the flow, once what has arrived is delivered
	pace int64
	info core.FlowInfo
	done func(core.Flow, error)
}

// pacedFlow is a flow of a layer that forwards at a rate of its own.
type pacedFlow struct{ *flow }

var (
	_ core.Flow   = (*flow)(nil)
	_ core.Rester = (*flow)(nil)
	_ core.Paced  = pacedFlow{}
)

// Pace is the rate as last heard.
func (p pacedFlow) Pace() int64 { return p.pace }

// lazyPackets is how many packets the layer may take without saying so at once.
const lazyPackets = 8

func newFlow(c *Client, done func(core.Flow, error)) *flow {
	return &flow{c: c, done: done, on: true, allow: Window}
}

// Info describes the flow. Its rate is the one last heard of.
func (f *flow) Info() core.FlowInfo { return f.info }

// Queued is what the layer said last, and what was written since and not taken yet, as far as it is known: of the
// last few packets the layer says nothing as long as nothing else is to be said, and they count as taken.
func (f *flow) Queued() int {
	return f.layerQ + max(0, int(f.sent-f.taken)-(lazyPackets-1))
}

// Write sends the packet to the broker's process.
func (f *flow) Write(p *pkt.Buf) error {
	n := p.Len()
	switch {
	case f.phase != phaseOpen || f.over != nil:
		p.Release()
		return f.reason()
	case f.down:
		p.Release()
		return core.ErrFlowDown
	case n > f.info.MTU:
		p.Release()
		return core.SizeError{Len: n, MTU: f.info.MTU}
	case f.credit <= 0:
		f.blocked = true
		return core.ErrWouldBlock
	case f.c.out.congested():
		f.blocked = true
		f.await()
		return core.ErrWouldBlock
	}
	f.credit -= cost(n)
	f.sent++
	if f.owed > 0 {
		f.repay()
	}
	f.c.out.data(f.id, p.Bytes())
	p.Release()
	return nil
}

// reason returns why nothing can be done with the flow.
func (f *flow) reason() error {
	switch {
	case f.c.ended != nil:
		return f.c.ended
	case f.over != nil:
		return f.over
	}
	return core.ErrFlowDown
}

// await puts a writer that was refused among those that go on when the pipe has room.
func (f *flow) await() {
	if f.blocked && !f.queued {
		f.queued = true
		f.c.waiters.Push(f, math.MaxInt)
	}
}

// wake calls Writable if the user waits for it and can write.
func (f *flow) wake() {
	if f.blocked && f.credit > 0 && f.phase == phaseOpen && f.over == nil && f.sink != nil {
		f.blocked = false
		f.sink.Writable()
	}
}

// SetReceive turns Deliver off and on. While it is off, up to Window bytes wait here; the rest waits in the layer.
func (f *flow) SetReceive(on bool) {
	f.on = on
	f.schedule()
}

// Attach sets the user.
func (f *flow) Attach(s core.Sink) {
	f.sink = s
	f.schedule()
}

// schedule has what waits here told to the user, from a posted call.
func (f *flow) schedule() {
	if f.posted || f.sink == nil || !f.pending() {
		return
	}
	f.posted = true
	f.c.env.Post(f.settle)
}

// pending reports whether the user has something to be told.
func (f *flow) pending() bool {
	switch {
	case f.rx.Len() > 0:
		return f.on
	case f.over != nil && !f.told:
		return true
	}
	return f.blocked && f.credit > 0 && !f.queued
}

// settle tells the user what there is.
func (f *flow) settle() {
	f.posted = false
	for f.burst = 0; f.burst < burst && f.open() && f.on && f.rx.Len() > 0; {
		f.deliver(f.rx.Pop())
	}
	f.wake()
	f.finish()
	if f.open() && f.on && f.rx.Len() > 0 {
		f.schedule()
	}
}

// open reports whether the user can be called.
func (f *flow) open() bool { return f.phase == phaseOpen && !f.told }

// burst is how many packets a user is handed before everybody else on the actor has a turn: the program that
// reads the flow, for instance, for which raw flows hold only so much (spec 14 §14.9).
const burst = 32

// deliver hands a packet to the user, and its credit back when there is enough of it.
func (f *flow) deliver(p *pkt.Buf) {
	f.burst++
	f.owed += cost(p.Len())
	if f.owed >= Window/4 {
		f.repay()
	}
	f.sink.Deliver(p)
}

func (f *flow) repay() {
	if f.over == nil && f.c.ended == nil {
		f.c.out.credit(f.id, f.owed, 0, 0)
		f.allow += f.owed
	}
	f.owed = 0
}

// finish tells the user that the flow has ended, once everything that came before is delivered.
func (f *flow) finish() {
	if !f.open() || f.over == nil || f.rx.Len() > 0 || f.sink == nil {
		return
	}
	f.told = true
	if f.c.ended == nil {
		f.sayEnd(nil, 0)
	} else {
		f.phase = phaseOver
	}
	f.sink.Closed(f.over)
}

// Close deallocates the flow. What was written before is passed on to the layer first.
func (f *flow) Close(wait time.Duration) {
	if !f.open() {
		return
	}
	f.told = true
	f.drop()
	if f.c.ended == nil {
		f.sayEnd(nil, wait)
	} else {
		f.phase = phaseOver
	}
}

// Rest has the client count as idle in spite of this flow.
func (f *flow) Rest(wait time.Duration) {
	if !f.open() || f.over != nil || f.c.ended != nil {
		return
	}
	if f.wait = wait; !f.resting {
		f.resting = true
		f.c.resting++
	}
	f.c.idle()
}

// drop releases what waits for the user.
func (f *flow) drop() {
	for f.rx.Len() > 0 {
		f.rx.Pop().Release()
	}
	f.rx = ring.Ring[*pkt.Buf]{}
}

// sayEnd says the last word of this side about the flow.
func (f *flow) sayEnd(err error, wait time.Duration) {
	if f.resting {
		f.resting = false
		f.c.resting--
	}
	f.c.out.put(kindEnd, 0, f.id, func(w *body) {
		w.fail(err)
		w.u64(uint64(max(wait, 0)))
	})
	if f.over != nil {
		f.c.forget(f)
		return
	}
	f.phase = phaseEnding
}

// cancel gives up a request.
func (f *flow) cancel() {
	switch f.phase {
	case phaseAsking:
		f.done = nil
		if f.c.ended == nil {
			f.sayEnd(core.ErrCanceled, 0)
		}
	case phaseOpen:
		f.Close(0)
	}
}

// lose ends the flow with the connection.
func (f *flow) lose(err error) {
	switch {
	case f.c.closed:
		f.told = true
		f.drop()
		f.phase = phaseOver
	case f.phase == phaseAsking:
		f.phase = phaseOver
		if done := f.done; done != nil {
			f.c.env.Post(func() { done(nil, err) })
		}
	case f.phase == phaseOpen:
		if f.over == nil {
			f.over = err
		}
		f.schedule()
	default:
		f.phase = phaseOver
	}
}

// record takes a record of the broker about the flow.
func (f *flow) record(r record) error {
	switch {
	case r.kind == kindEnd:
		return f.ended(r)
	case f.over != nil:
		return malformed("%v: flow %#x has ended", r.kind, r.id)
	case r.kind == kindOpen:
		return f.opened(r)
	case f.phase == phaseEnding:
		return nil // it was on its way
	case f.phase != phaseOpen:
		return malformed("%v: flow %#x is not open", r.kind, r.id)
	}
	switch r.kind {
	case kindData:
		return f.received(r.body)
	case kindCredit:
		return f.credited(r)
	case kindReport:
		rd := reader{b: r.body}
		f.layerQ, f.pace, f.info.Rate = rd.count(1<<31-1), rd.span(), rd.span()
		if !rd.done() {
			return malformed("report: a body of %d bytes", len(r.body))
		}
	case kindState:
		if len(r.body) > 0 {
			return malformed("state: a body of %d bytes", len(r.body))
		}
		f.down = r.flags&flagUp == 0
		if f.sink != nil {
			f.sink.State(!f.down)
		}
	}
	return nil
}

// rxHeadroom is the space in front of a packet that has arrived, for who answers with it.
const rxHeadroom = 64

// received takes a packet.
func (f *flow) received(data []byte) error {
	if f.allow <= 0 {
		return malformed("data: a packet for flow %#x beyond its credit", f.id)
	}
	f.allow -= cost(len(data))
	p := f.c.env.Pool.GetCopy(rxHeadroom, data)
	if f.sink == nil || !f.on || f.rx.Len() > 0 || f.burst >= burst {
		f.rx.Push(p, math.MaxInt) // the credit is the limit
		f.schedule()
		return nil
	}
	f.deliver(p)
	return nil
}

func (f *flow) credited(r record) error {
	rd := reader{b: r.body}
	credit, packets, queue := rd.count(2*Window), rd.u32(), rd.count(1<<31-1)
	if !rd.done() || packets > f.sent-f.taken {
		return malformed("credit: %d packets of %d", packets, f.sent-f.taken)
	}
	f.credit += credit
	f.taken += packets
	f.layerQ = queue
	if f.c.out.congested() {
		f.await()
		return nil
	}
	f.wake()
	return nil
}

// opened takes up the flow that the broker has allocated.
func (f *flow) opened(r record) error {
	o, ok := readOpening(r)
	switch {
	case !ok:
		return malformed("open: a body of %d bytes", len(r.body))
	case f.phase == phaseEnding:
		return nil
	case f.phase != phaseAsking:
		return malformed("open: flow %#x was not asked for", r.id)
	}
	f.info, f.credit, f.layerQ, f.pace, f.paced = o.info, o.credit, o.queue, o.pace, o.paced
	f.phase = phaseOpen
	done := f.done
	f.done = nil
	var user core.Flow = f
	if f.paced {
		user = pacedFlow{f}
	}
	if o.secure {
		user = &locked{Flow: user, s: o.sec}
	}
	done(user, nil)
	return nil
}

// ended takes the last word of the broker about the flow.
func (f *flow) ended(r record) error {
	rd := reader{b: r.body}
	err := rd.fail()
	if !rd.done() || f.over != nil {
		return malformed("end: flow %#x, a body of %d bytes", r.id, len(r.body))
	}
	if err == nil {
		err = core.ErrFlowDown
	}
	f.over = err
	switch f.phase {
	case phaseEnding:
		f.c.forget(f)
	case phaseAsking:
		done := f.done
		f.done = nil
		f.sayEnd(nil, 0)
		done(nil, err)
	case phaseOffered:
		f.sayEnd(nil, 0)
	case phaseOpen:
		f.schedule()
	}
	return nil
}

// locked is a flow whose packets must be encrypted: a core.SecureFlow. As long as it is locked, nothing passes.
type locked struct {
	core.Flow
	s core.Security
}

var _ core.SecureFlow = (*locked)(nil)

// Unlock hands the flow and its keys to the library that encrypts.
func (l *locked) Unlock() (core.Flow, core.Security) { return l.Flow, l.s }

// Write refuses everything: it would go in clear.
func (l *locked) Write(p *pkt.Buf) error {
	p.Release()
	return fmt.Errorf("%w: the flow is encrypted and its user does not", core.ErrCrypt)
}

// SetReceive has no effect: nothing is delivered anyway.
func (l *locked) SetReceive(bool) {}

// Attach has no effect: what arrives is not for a user who cannot decrypt it.
func (l *locked) Attach(core.Sink) {}
