package traffic

import (
	"errors"
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/core/trace"
	"ouroboros/frcp"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/scenarios/node"
)

// Kind is how a source sends.
type Kind uint8

// The kinds of sources.
const (
	CBR Kind = iota
	Poisson
	OnOff
	Bulk
	Ping
	Group // to all who have joined a broadcast layer; see group.go
)

// Spec describes one flow of the workload.
type Spec struct {
	ID       int
	Name     string // of the flow, and of the receiver in the layer
	Workload string
	Kind     Kind
	From, To *node.System
	// Any are the nodes that all have the name; To is then the first of them, until one has answered. Nil:
	// To alone.
	Any   []*node.System
	Layer string    // of the scenario
	Ask   core.Name // the layer that is asked: Layer, or the shim's on the link between both nodes
	QoS   core.QoS
	FRCP  frcp.Params
	// Encrypt and Authenticate are the wishes of a core.Request.
	Encrypt, Authenticate bool

	Size     int           // bytes of a message; Bulk: 0 = as large as the flow takes
	Interval time.Duration // between messages, mean for Poisson
	On, Off  time.Duration // OnOff: means of the exponential times
	Count    uint64        // messages; 0 = no limit
	Bytes    uint64        // Bulk: size of the transfer
	Start    core.Time
	Stop     core.Time // clock.Never: the end of the run
	Phase    time.Duration
	NoPhase  bool // Phase is random in one interval
	Warmup   core.Time
	Groups   *Groups // Group: those of the experiment
	// Begun, if not nil, is called when the flow stands at its source.
	Begun func(*Flow)
}

// Stats is what a flow has seen so far. Counters named Measured leave the warm-up out.
type Stats struct {
	Offered, OfferedBytes uint64
	Sent, SentBytes       uint64
	Delivered, Bytes      uint64
	Duplicates, Reordered uint64
	MeasuredBytes         uint64 // delivered
	Asked, Allocated      core.Time
	First, Last           core.Time // message sent: first and last
	LastDelivery          core.Time
	FirstDelivery         core.Time // Never before
	Ended                 core.Time // the source has stopped; Never while it runs
	Blocked               time.Duration
	Completed             core.Time // Bulk: all bytes delivered; Never before
	Failure               error
}

// Flow is one flow of the workload: its source at one node, its receiver at another.
type Flow struct {
	Spec
	Stats Stats
	Delay Samples // one way
	RTT   Samples // Ping

	env    core.Env // of the source
	renv   core.Env // of the receiver
	flow   core.Flow
	recv   core.Flow
	end    *frcp.Endpoint // of the source, nil on flows without FRCP
	timer  core.Timer
	stop   core.Timer
	cancel func()
	began  bool // the flow has been asked for
	heard  []listening
	past   []core.Flow // of receivers whose node was killed: they still hold packets
	group  *group      // Group: what the flows of one source share

	headroom int
	cipher   uint16
	lives    []*frcp.Endpoint // of the receiver, one for each flow that it has accepted
	nextID   uint32
	due      core.Time // of the next message
	blocked  core.Time // since when; Never if not
	on       core.Time // OnOff: end of the burst
	arrived  seen
	answers  seen
	latest   core.Time // delivery that watches count
	watches  []*Watch  // of faults that the flow has not got over
	watched  []*Watch  // of the others
	eid      uint64    // of a flow whose application runs in another process; see Told
	marks    []mark    // of the events of the run
	halves   *halves   // of a flow whose ends run elsewhere; see half.go
}

// New makes a flow; Start sets it going.
func New(s Spec) *Flow {
	f := &Flow{Spec: s, blocked: clock.Never}
	f.Stats.Ended, f.Stats.Completed, f.Stats.FirstDelivery = clock.Never, clock.Never, clock.Never
	f.live()
	if s.Kind == Group {
		s.Groups.add(f)
	}
	s.From.OnKill(f.killed)
	s.From.OnRevive(f.revived)
	return f
}

// live makes what the source has in one life of its node.
func (f *Flow) live() {
	f.env = f.From.Env.Derive("source:" + f.Name)
	f.timer = f.env.NewTimer(f.send)
	f.stop = f.env.NewTimer(f.expire)
}

// Begin arms the start of the source, from the beginning of the run. A source on a node that does not run here
// begins where it does.
func (f *Flow) Begin() {
	if !f.From.AppsHere() && (f.Kind != Group || !f.To.AppsHere()) {
		return
	}
	t := f.env.NewTimer(f.allocate)
	t.Reset(f.Start.Sub(f.env.Now()))
}

func (f *Flow) allocate() {
	if f.Stats.Ended != clock.Never { // the run has ended before
		return
	}
	if !f.From.AppsHere() { // of a group, of which this part hears only
		f.group.join(f)
		return
	}
	f.began = true
	f.Stats.Asked = f.env.Now()
	if f.Stop != clock.Never && f.lead() == f {
		f.stop.Reset(max(f.Stop.Sub(f.Stats.Asked), 0))
	}
	if f.Kind == Group {
		f.group.join(f)
		return
	}
	r := core.Request{Name: core.Name(f.Name), QoS: f.QoS, Layer: f.Ask, Encrypt: f.Encrypt, Authenticate: f.Authenticate}
	f.cancel = f.From.Users().Alloc(r, func(fl core.Flow, err error) {
		f.cancel = nil
		if err != nil {
			f.fail(err)
			return
		}
		f.allocated(fl)
	})
}

func (f *Flow) allocated(fl core.Flow) {
	end, err := frcp.WrapWith(f.env, fl, f.FRCP)
	if err != nil {
		fl.Close(0)
		f.fail(err)
		return
	}
	f.end = end
	end.Attach((*source)(f))
	f.begun(end)
}

// begun sets the source going on a flow that stands.
func (f *Flow) begun(fl core.Flow) {
	now := f.env.Now()
	f.Stats.Allocated, f.flow = now, fl
	if f.Begun != nil {
		f.Begun(f)
	}
	i := f.flow.Info()
	f.headroom, f.cipher = i.Headroom, i.Cipher
	if f.Size == 0 {
		f.Size = i.MTU
	}
	if f.Size > i.MTU {
		f.fail(core.SizeError{Len: f.Size, MTU: i.MTU})
		return
	}
	if f.Stop != clock.Never {
		if f.Stop <= now {
			f.finish()
			return
		}
	}
	phase := f.Phase
	if f.NoPhase {
		phase = time.Duration(f.env.Rand.Int64N(max(int64(f.Interval), 1)))
	}
	f.due = now.Add(phase)
	if f.Kind == OnOff {
		f.on = f.due.Add(f.exp(f.On))
	}
	f.timer.Reset(phase)
}

// exp draws an exponential time with the given mean.
func (f *Flow) exp(mean time.Duration) time.Duration {
	return time.Duration(math.Round(f.env.Rand.ExpFloat64() * float64(mean)))
}

// send sends the message that is due and arms the next.
func (f *Flow) send() {
	if f.flow == nil || f.Stats.Ended != clock.Never {
		return
	}
	if f.Kind == Bulk {
		f.pour()
		return
	}
	now := f.env.Now()
	for f.due <= now {
		f.offer(f.Size)
		f.due = f.next(f.due)
		if !f.write(f.Size) {
			return
		}
		if f.exhausted() {
			return
		}
	}
	f.timer.Reset(f.due.Sub(now))
}

// offer counts a message that the source wants to send.
func (f *Flow) offer(size int) {
	f.Stats.Offered++
	f.Stats.OfferedBytes += uint64(size)
}

// exhausted ends a source that has offered all its messages.
func (f *Flow) exhausted() bool {
	if f.Count == 0 || f.Stats.Offered < f.Count {
		return false
	}
	f.finish()
	return true
}

// resume continues a source that stood still: the message that found no room goes first. A source with
// a schedule has slipped: what fell due meanwhile was offered and never sent, as by a program that
// blocks in its write.
func (f *Flow) resume() {
	if f.flow == nil || f.Stats.Ended != clock.Never {
		return
	}
	if f.Kind == Bulk {
		f.pour()
		return
	}
	if !f.write(f.Size) || f.exhausted() {
		return
	}
	now := f.env.Now()
	for f.due <= now {
		f.offer(f.Size)
		f.due = f.next(f.due)
		if f.exhausted() {
			return
		}
	}
	f.timer.Reset(f.due.Sub(now))
}

// next returns when the message after the one at t is due.
func (f *Flow) next(t core.Time) core.Time {
	switch f.Kind {
	case Poisson:
		return t.Add(f.exp(f.Interval))
	case OnOff:
		if t = t.Add(f.Interval); t > f.on {
			t = f.on.Add(f.exp(f.Off))
			f.on = t.Add(f.exp(f.On))
		}
		return t
	case CBR, Ping, Bulk, Group:
	}
	return t.Add(f.Interval)
}

// pour writes until the flow takes no more or everything is written.
func (f *Flow) pour() {
	for {
		left := uint64(f.Size)
		if f.Bytes > 0 {
			if f.Stats.SentBytes >= f.Bytes {
				f.finish()
				return
			}
			left = min(left, f.Bytes-f.Stats.SentBytes)
		}
		size := max(int(left), HeaderLen)
		if !f.write(size) {
			return
		}
		f.offer(size)
	}
}

// write sends a message. If the flow would block the source stands still until it is writable, and the
// message goes first then.
func (f *Flow) write(size int) bool {
	now := f.env.Now()
	p := f.env.Pool.GetPhantom(f.headroom, HeaderLen, size-HeaderLen)
	typ := uint32(typeData)
	switch f.Kind {
	case Ping:
		typ = typeRequest
	case Group:
		typ = f.group.tag()
	case CBR, Poisson, OnOff, Bulk:
	}
	putHeader(p.Front(), typ, f.nextID, f.env.Wall())
	err := f.flow.Write(p)
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
		f.blocked = now
		return false
	}
	if errors.Is(err, core.ErrFlowDown) && f.flow != nil {
		return f.refused(now)
	}
	if err != nil {
		f.fail(err)
		return false
	}
	f.env.Trace.Note(now, trace.MessageSent, uint64(f.nextID), uint64(size))
	if f.Stats.Sent == 0 {
		f.Stats.First = now
	}
	f.nextID++
	f.Stats.Sent++
	f.Stats.SentBytes += uint64(size)
	f.Stats.Last = now
	if f.group != nil {
		f.group.sent()
	}
	return true
}

// refused deals with a flow that is down for now: the message was offered and not sent. A source with a
// schedule goes on; one that pours waits until the flow is up again. A flow that has ended says so by
// Closed.
func (f *Flow) refused(now core.Time) (goOn bool) {
	if f.Kind == Bulk {
		f.blocked = now
		return false
	}
	return true
}

// finish ends the source. The flow stays open for what is under way until the end of the run.
func (f *Flow) finish() {
	if f.Stats.Ended != clock.Never {
		return
	}
	now := f.env.Now()
	f.Stats.Ended = now
	f.timer.Stop()
	f.stop.Stop()
	f.unblock(now)
	if f.group != nil && f.group.flows[0] == f {
		f.group.sent()
	}
}

// ErrNotAllocated is the failure of a flow that was asked for and had not come when its source stopped.
var ErrNotAllocated = errors.New("not allocated by the end of the source")

// Waits reports whether the flow was asked for and has not come. It may still come.
func (f *Flow) Waits() bool {
	st := &f.lead().Stats
	return f.lead().began && st.Allocated == 0 && st.Failure == nil
}

// lead returns the flow whose source sends for this one: itself, or the first of its group.
func (f *Flow) lead() *Flow {
	if f.group != nil {
		return f.group.flows[0]
	}
	return f
}

// expire ends the source at its stop. A flow that has not come by then is not waited for any more.
func (f *Flow) expire() {
	if f.Stats.Ended == clock.Never && f.Waits() {
		f.Stats.Failure = ErrNotAllocated
		if f.cancel != nil {
			f.cancel()
			f.cancel = nil
		}
	}
	f.finish()
}

// Halt stops the source as at the end of the run. A flow that has not come by then has failed.
func (f *Flow) Halt() {
	if f.Stats.Ended == clock.Never && f.Waits() {
		f.Stats.Failure = ErrNotAllocated
	}
	f.finish()
}

func (f *Flow) unblock(now core.Time) {
	if f.blocked != clock.Never {
		f.Stats.Blocked += now.Sub(f.blocked)
		f.blocked = clock.Never
	}
}

func (f *Flow) fail(err error) {
	if f.Stats.Failure == nil {
		f.Stats.Failure = err
	}
	f.finish()
}

// Close ends the flow at both ends.
func (f *Flow) Close() {
	f.finish()
	if f.cancel != nil {
		f.cancel()
	}
	for _, l := range f.heard {
		l.stop()
	}
	f.heard = nil
	if f.group != nil {
		f.group.leave(f)
		f.flow = nil
		return
	}
	for _, fl := range append(f.past, f.flow, f.recv) {
		if fl != nil {
			fl.Close(0)
		}
	}
	f.flow, f.recv, f.past = nil, nil, nil
}

// Transport returns the counters of FRCP at the source; false on flows without it.
func (f *Flow) Transport() (frcp.Stats, bool) {
	if f.halves != nil {
		return f.halves.transport()
	}
	if f.end == nil || f.QoS.Mode() == core.ModeRaw {
		return frcp.Stats{}, false
	}
	return f.end.Stats().Stats, true
}

// Cipher returns what the flow was encrypted with (spec 11 §11.11); 0 = nothing, or there was no flow.
func (f *Flow) Cipher() uint16 { return f.cipher }

// Rejected returns how many packets both ends have dropped because they did not decrypt.
func (f *Flow) Rejected() (n uint64) {
	if f.halves != nil {
		return f.halves.rejected
	}
	ends := f.lives
	if f.end != nil {
		ends = append([]*frcp.Endpoint{f.end}, ends...)
	}
	for _, e := range ends {
		s := e.Stats().Crypt
		n += s.Dropped()
	}
	return n
}

// source is the user of the flow at its source.
type source Flow

// Deliver takes an answer.
func (s *source) Deliver(p *pkt.Buf) {
	f := (*Flow)(s)
	defer p.Release()
	if p.Len() < HeaderLen || f.Kind != Ping {
		return
	}
	typ, id, wall := header(p.Bytes())
	if typ != typeReply {
		return
	}
	now := f.env.Now()
	f.env.Trace.Note(now, trace.MessageDelivered, uint64(id), uint64(p.Len()))
	expected, rtt := f.answers.next, f.env.Wall()-wall
	dup, late := f.answers.note(id)
	if dup {
		return
	}
	f.noted(now, now.Add(-time.Duration(rtt)), id, expected, late)
	if now >= f.Warmup {
		f.RTT.Add(rtt)
	}
}

// Writable continues a source that stood still.
func (s *source) Writable() {
	f := (*Flow)(s)
	f.unblock(f.env.Now())
	f.resume()
}

// State continues a source that waits for the flow to come up again. What is lost meanwhile is counted at
// the receiver.
func (s *source) State(up bool) {
	if f := (*Flow)(s); up && f.blocked != clock.Never {
		s.Writable()
	}
}

// Closed ends the source: its flow has gone.
func (s *source) Closed(err error) {
	f := (*Flow)(s)
	f.fail(err)
	f.flow = nil
}

// Hash returns what tells the packets of the flow apart from those of others between the same members of a
// layer, there and back; zeros while there is no flow.
func (f *Flow) Hash() (there, back uint32) {
	if f.halves != nil {
		return f.halves.there, f.halves.back
	}
	p := f.From.IPCP(f.Layer)
	if p == nil || p.FA() == nil || f.EID() == 0 {
		return 0, 0
	}
	info, _ := p.FA().Flow(f.EID())
	return dt.FlowHash(info.RemoteEID), dt.FlowHash(f.EID())
}

// Told says which endpoint the flow has at its source, in the part that has the source's layers and not its
// application.
func (f *Flow) Told(eid uint64) { f.eid = eid }

// EID returns the local endpoint id of the flow at its source, 0 while there is none.
func (f *Flow) EID() uint64 {
	if f.flow == nil {
		return f.eid
	}
	return f.flow.Info().EID
}

// Held reports whether the layer has made packets of the flow wait at their source, for congestion or to shape
// the flow.
func (f *Flow) Held() bool {
	if f.halves != nil {
		return f.halves.held
	}
	p := f.From.IPCP(f.Layer)
	if p == nil || p.FA() == nil {
		return false
	}
	info, _ := p.FA().Flow(f.EID())
	return info.Stats.Paused > 0 || info.Stats.Shaped > 0
}
