package remote

import (
	"errors"
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/ring"
)

// end is the broker's end of a flow: the user of the flow of a layer, on behalf of the application.
type end struct {
	s      *Server
	f      core.Flow // of the layer, once the flow is open
	id     uint32
	phase  phase
	down   bool // the flow is
	told   bool // and the application knows that
	paused bool // receiving is off in the layer
	queued bool // in s.waiting
	watch  bool // in s.watched

	credit   int                 // that is left for packets to the application
	rx       ring.Ring[*pkt.Buf] // of the layer, for which there was no room
	headroom int

	allow   int                 // credit that the application has for packets to the layer
	owed    int                 // credit to be given back for packets that the layer took
	packets int                 // these packets
	tx      ring.Ring[*pkt.Buf] // of the application, which the layer has refused
	held    int                 // credit that they have taken

	layerQ     int // as the application knows it
	pace, rate int64
	paceOf     func() int64

	over   error         // why the layer has ended the flow
	cancel func()        // of the request
	in     core.Incoming // that is offered to the application
	wait   time.Duration // of the application's Close, while tx is not empty
	linger core.Timer
}

var _ core.Sink = (*end)(nil)

// lingerTime is how long a closed flow may hold what the layer has not taken, on top of the wait of its Close.
const lingerTime = time.Second

// answered takes the broker's answer to a request.
func (f *end) answered(fl core.Flow, err error) {
	switch {
	case f.phase != phaseAsking:
		if err == nil {
			fl.Close(0)
		}
	case err != nil:
		f.cancel = nil
		f.sayEnd(err)
	default:
		f.open(fl)
	}
}

// open tells the application of its flow and takes it up.
func (f *end) open(fl core.Flow) {
	o := opening{info: fl.Info()}
	if l, ok := fl.(core.SecureFlow); ok {
		o.secure = true
		fl, o.sec = l.Unlock()
		f.s.out.secret = true
	}
	f.f, f.phase, f.cancel, f.in = fl, phaseOpen, nil, nil
	f.headroom = o.info.Headroom
	o.info.MTU = min(o.info.MTU, MaxPacket)
	f.paceOf = core.PaceOf(fl)
	if o.paced = f.paceOf != nil; o.paced {
		f.pace = f.paceOf()
	}
	f.rate, f.layerQ = max(o.info.Rate, 0), fl.Queued()
	f.allow = f.s.window()
	o.credit, o.queue, o.pace = f.allow, f.layerQ, f.pace
	f.s.out.put(kindOpen, o.flags(), f.id, o.put)
	fl.Attach(f)
}

// record takes a record of the application about the flow.
func (f *end) record(r record) error {
	switch {
	case r.kind == kindEnd:
		return f.ended(r)
	case f.phase == phaseEnding, f.over != nil && r.kind == kindData:
		f.late(r)
		return nil
	case r.kind == kindAccept:
		return f.accept(r)
	case f.phase != phaseOpen || f.wait > 0:
		return malformed("%v: flow %#x is not open", r.kind, r.id)
	case r.kind == kindData:
		return f.write(r.body)
	}
	rd := reader{b: r.body}
	credit, packets, queue := rd.count(Window), rd.u32(), rd.u32()
	if f.credit += credit; !rd.done() || f.credit > Window || packets|queue != 0 {
		return malformed("credit: %d bytes, then flow %#x has %d, and %d are the most", credit, r.id, f.credit, Window)
	}
	f.resume()
	return nil
}

// late counts what was on its way to a flow that the layer has ended.
func (f *end) late(r record) {
	if r.kind == kindData {
		f.s.st.Dropped++
	}
}

// accept answers a request that was offered to the application, which has accepted it.
func (f *end) accept(r record) error {
	if f.phase != phaseOffered || len(r.body) > 0 {
		return malformed("accept: flow %#x was not offered", r.id)
	}
	f.s.offered--
	f.phase = phaseAsking
	in := f.in
	f.in = nil
	core.Accept(in, f.answered)
	return nil
}

// write passes a packet on to the layer, or keeps it until the layer has room.
func (f *end) write(data []byte) error {
	if f.allow <= 0 {
		return malformed("data: a packet for flow %#x beyond its credit", f.id)
	}
	f.allow -= cost(len(data))
	f.s.st.InPackets++
	f.s.st.InBytes += uint64(len(data))
	p := f.s.env.Pool.GetCopy(f.headroom, data)
	if f.tx.Len() > 0 || !f.pass(p) {
		f.tx.Push(p, math.MaxInt) // the credit is the limit
		f.held += cost(len(data))
	}
	return nil
}

// pass gives a packet to the layer and reports whether it was taken.
func (f *end) pass(p *pkt.Buf) bool {
	n := p.Len()
	switch err := f.f.Write(p); {
	case errors.Is(err, core.ErrWouldBlock):
		return false
	case err != nil:
		f.s.st.Refused++
	}
	f.owed += cost(n)
	f.packets++
	if f.due() {
		f.repay()
	}
	return true
}

// due reports whether credit is to be given back now, and not only with what is sent anyway.
func (f *end) due() bool {
	return f.packets >= lazyPackets || f.owed >= Window/4 || f.packets > 0 && f.allow <= 0
}

// repay brings the credit of the application up to its window, and says what the layer has taken and is like now.
func (f *end) repay() {
	switch {
	case f.phase != phaseOpen || f.wait > 0 || f.over != nil:
		return
	case f.s.out.congested():
		f.later()
		return
	}
	f.layerQ = f.f.Queued()
	give := max(f.s.window()-f.allow-f.held, 0)
	f.s.out.credit(f.id, give, f.packets, f.layerQ)
	f.allow += give
	f.owed, f.packets = 0, 0
	f.report()
	if f.layerQ > 0 {
		f.s.observe(f)
	}
}

// report tells of the rates, if they have changed.
func (f *end) report() {
	if f.rates() {
		f.s.out.report(f.id, f.layerQ, f.pace, f.rate)
	}
}

// rates brings the rates up to date and reports whether they have changed.
func (f *end) rates() bool {
	pace, rate := f.pace, f.rate
	if f.paceOf != nil {
		f.pace = max(f.paceOf(), 0)
	} else {
		f.rate = max(f.f.Info().Rate, 0)
	}
	return f.pace != pace || f.rate != rate
}

// Writable goes on with the packets that the layer had refused.
func (f *end) Writable() {
	for f.tx.Len() > 0 && f.phase == phaseOpen {
		p := f.tx.Front()
		n := cost(p.Len())
		if !f.pass(p) {
			return
		}
		f.tx.Pop()
		f.held -= n
	}
	if f.wait > 0 && f.tx.Len() == 0 {
		f.close()
	}
}

// Deliver passes a packet on to the application, or keeps it until there is room; then the layer keeps the next.
func (f *end) Deliver(p *pkt.Buf) {
	switch {
	case f.phase != phaseOpen || f.wait > 0:
		f.s.st.Dropped++
		p.Release()
	case p.Len() > MaxPacket:
		f.s.st.Dropped++
		p.Release()
	case f.credit > 0 && f.rx.Len() == 0 && !f.s.out.congested():
		f.forward(p)
		if f.credit <= 0 {
			f.pause()
		}
	default:
		f.rx.Push(p, math.MaxInt) // receiving is off from now on
		f.pause()
		if f.credit > 0 {
			f.later()
		}
	}
}

func (f *end) forward(p *pkt.Buf) {
	n := p.Len()
	f.credit -= cost(n)
	f.s.st.OutPackets++
	f.s.st.OutBytes += uint64(n)
	if f.owed > 0 {
		f.repay()
	}
	f.s.out.data(f.id, p.Bytes())
	p.Release()
}

func (f *end) pause() {
	if !f.paused {
		f.paused = true
		f.f.SetReceive(false)
	}
}

// later has resume called when the pipe has room.
func (f *end) later() {
	if !f.queued {
		f.queued = true
		f.s.waiting.Push(f, math.MaxInt)
	}
}

// resume goes on with what has waited for credit or for the pipe.
func (f *end) resume() {
	if f.phase != phaseOpen || f.wait > 0 {
		return
	}
	for f.rx.Len() > 0 && f.credit > 0 && !f.s.out.congested() {
		f.forward(f.rx.Pop())
	}
	if f.s.out.congested() {
		f.later()
		return
	}
	if f.down != f.told {
		f.sayState()
	}
	if f.due() {
		f.repay()
	}
	switch {
	case f.rx.Len() > 0:
	case f.over != nil:
		f.sayEnd(f.over)
	case f.paused && f.credit > 0:
		f.paused = false
		f.f.SetReceive(true)
	}
}

// State tells the application that the flow went down or came up.
func (f *end) State(up bool) {
	f.down = !up
	if f.s.out.congested() {
		f.later()
		return
	}
	f.sayState()
}

func (f *end) sayState() {
	if f.phase != phaseOpen || f.wait > 0 || f.down == f.told {
		return
	}
	f.told = f.down
	flags := uint8(flagUp)
	if f.down {
		flags = 0
	}
	f.s.out.put(kindState, flags, f.id, nil)
}

// Closed ends the flow at the word of the layer, once what waits here is with the application.
func (f *end) Closed(err error) {
	if f.phase != phaseOpen {
		return
	}
	if err == nil {
		err = core.ErrFlowDown
	}
	f.over = err
	f.dropTx()
	switch {
	case f.wait > 0:
		f.close()
	case f.rx.Len() == 0:
		f.sayEnd(err)
	}
}

// sayEnd says the last word of this side. The other side's will come.
func (f *end) sayEnd(err error) {
	f.phase = phaseEnding
	f.drop()
	f.s.out.put(kindEnd, 0, f.id, func(w *body) { w.fail(err) })
}

// ended takes the last word of the application.
func (f *end) ended(r record) error {
	rd := reader{b: r.body}
	err, wait := rd.fail(), time.Duration(rd.span())
	if !rd.done() || f.wait > 0 {
		return malformed("end: flow %#x, a body of %d bytes", r.id, len(r.body))
	}
	switch f.phase {
	case phaseAsking:
		f.phase = phaseOver
		if f.cancel != nil {
			f.cancel()
		}
	case phaseOffered:
		f.s.offered--
		f.phase = phaseOver
		f.in.Reject(err)
	case phaseOpen:
		f.wait = max(wait, 1) // from now on it is being closed
		if f.tx.Len() > 0 {
			f.drain()
			return nil
		}
		f.close()
		return nil
	case phaseEnding:
		f.s.forget(f)
		return nil
	}
	f.s.out.put(kindEnd, 0, f.id, func(w *body) { w.fail(nil) })
	f.s.forget(f)
	return nil
}

// drain keeps a closed flow until the layer has taken what was written before, within limits.
func (f *end) drain() {
	f.dropRx()
	f.linger = f.s.env.NewTimer(f.close)
	f.linger.Reset(f.wait + lingerTime)
}

// close closes the flow of the layer and says the last word.
func (f *end) close() {
	if f.linger != nil {
		f.linger.Stop()
	}
	f.drop()
	if f.over == nil {
		f.f.Close(f.wait)
	}
	f.s.out.put(kindEnd, 0, f.id, func(w *body) { w.fail(nil) })
	f.s.forget(f)
}

// lose gives back what a lost application had.
func (f *end) lose() {
	p := f.phase
	f.phase = phaseOver
	switch p {
	case phaseAsking:
		if f.cancel != nil {
			f.cancel()
		}
	case phaseOffered:
		f.in.Reject(core.ErrName)
	case phaseOpen:
		if f.linger != nil {
			f.linger.Stop()
		}
		f.drop()
		if f.over == nil {
			f.f.Close(stale(f.f.Info().QoS))
		}
	}
}

// stale is how long the peer of an application that has died may go on sending: it has not been told, and what it sends
// must not come to the next flow that has the identifier.
func stale(q core.QoS) time.Duration {
	const most = core.DefaultPeerTimeout * time.Millisecond
	if t := q.PeerTimeout(); t > 0 && t < most {
		return t
	}
	return most
}

func (f *end) drop() {
	f.dropRx()
	f.dropTx()
}

func (f *end) dropRx() {
	for f.rx.Len() > 0 {
		f.s.st.Dropped++
		f.rx.Pop().Release()
	}
}

func (f *end) dropTx() {
	for f.tx.Len() > 0 {
		f.s.st.Dropped++
		f.tx.Pop().Release()
	}
	f.held = 0
}
