package fa

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/policy"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/adm"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/sched"
	"ouroboros/ipcp/unicast/shape"
	"ouroboros/sim"
)

// self is the address of the member under test, first and second those of two others.
const (
	self   = 7
	first  = 200
	second = 201
)

// bench is a flow allocator over data transfer with one N-1 flow, which is in the hands of the test, as
// are the directory's names and the congestion policy. Everything that happens is written into log.
type bench struct {
	t      testing.TB
	w      *sim.World
	env    core.Env
	names  *dir.Names
	fa     *FA
	dt     *dt.DT
	below  below
	pace   pace
	ledger *ledger  // nil without admission
	qos    core.QoS // of the next requests
	log    strings.Builder

	ids   []uint64 // own endpoint ids in the order of their appearance
	reqs  []core.IncomingFlow
	users []*user
	undo  func() // cancels the last AllocFlow
}

// pace is a congestion policy that does as it is told.
type pace struct {
	wait   time.Duration
	report bool
	heard  []uint16
}

func (c *pace) NewPort(int64) ca.Marker                   { return nil }
func (c *pace) NewFlow(core.Time) ca.Flow                 { return c }
func (c *pace) Send(core.Time, int) time.Duration         { return c.wait }
func (c *pace) Recv(core.Time, int, uint8) (bool, uint16) { return c.report, 0x0120 }
func (c *pace) Report(_ core.Time, ece uint16)            { c.heard = append(c.heard, ece) }
func (c *pace) Rate() int64                               { return 0 }
func (c *pace) Snapshot() ca.Snapshot                     { return ca.Snapshot{} }

// ledger counts the flows that an admission policy has taken on and that have not been released.
type ledger struct {
	adm.Admission
	flows int
}

func (l *ledger) Admit(q core.QoS, rate int64) error {
	err := l.Admission.Admit(q, rate)
	if err == nil {
		l.flows++
	}
	return err
}

func (l *ledger) Release(q core.QoS) {
	l.flows--
	l.Admission.Release(q)
}

// below is the N-1 flow: it shows what is sent and keeps nothing. With a rate it takes the next packet when
// the one before has been sent.
type below struct {
	b     *bench
	sink  core.Sink
	full  bool
	raw   [][]byte
	quiet bool
	rate  int64 // bit/s; 0 = any number of packets at once
	done  core.Timer
	seen  func(p *pkt.Buf) // called for each packet, if set
}

func (f *below) Info() core.FlowInfo {
	return core.FlowInfo{MTU: 1400, Headroom: 18}
}
func (f *below) Queued() int         { return 0 }
func (f *below) SetReceive(bool)     {}
func (f *below) Attach(s core.Sink)  { f.sink = s }
func (f *below) Close(time.Duration) {}

func (f *below) Write(p *pkt.Buf) error {
	if f.full {
		return core.ErrWouldBlock
	}
	if f.rate > 0 {
		f.full = true
		f.done.Reset(time.Duration(int64(p.Len()) * 8 * int64(time.Second) / f.rate))
	}
	if f.seen != nil {
		f.seen(p)
	}
	if !f.quiet {
		f.raw = append(f.raw, append([]byte(nil), p.Bytes()...))
		f.b.sent(p.Bytes())
	}
	p.Release()
	return nil
}

// setup is what a bench is made of, beside the defaults.
type setup struct {
	layout    wire.PCI // the prototype's if zero
	queue     int
	scheduler policyOf
	shaping   policyOf
	admission policyOf
	spy       func(sched.Scheduler) sched.Scheduler // stands before the scheduler, if set
	cube      bool
	skip      bool
	rate      int64 // of the N-1 flow in bit/s, as it is told to the admission policy and as it is; 0 = none
}

// policyOf names a policy with its parameters; the zero value is none, or the default of its kind.
type policyOf struct {
	name   string
	params map[string]any
}

// choose makes a policy.
func choose[T any](t testing.TB, env core.Env, table *policy.Registry[T], p policyOf) T {
	t.Helper()
	c, err := table.Choose(p.name, p.params)
	if err != nil {
		t.Fatal(err)
	}
	v, err := c.New(env)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// newBench returns a bench without shaping and admission.
func newBench(t testing.TB, layout wire.PCI, queue int) *bench {
	t.Helper()
	return newBenchWith(t, setup{layout: layout, queue: queue})
}

func newBenchWith(t testing.TB, s setup) *bench {
	t.Helper()
	if s.layout == (wire.PCI{}) {
		s.layout = wire.DefaultPCI
	}
	if s.scheduler.name == "" {
		s.scheduler = policyOf{"fifo", map[string]any{"limit": 100}}
	}
	b := &bench{t: t, w: sim.New(1), names: dir.NewNames(), qos: core.QoSRaw}
	b.env = b.w.Node("n")
	b.below = below{b: b, rate: s.rate, done: b.env.NewTimer(func() {
		b.below.full = false
		b.below.sink.Writable()
	})}
	table := choose(t, b.env, pff.Policies(), policyOf{name: "simple"})
	table.Replace([]pff.Route{{Dst: first, Ports: []pff.Port{0}}, {Dst: second, Ports: []pff.Port{0}}})
	names := choose(t, b.env, dir.Policies(b.names), policyOf{name: "static"})
	names.SetAddress(0, self)
	b.dt = dt.New(b.env, dt.Config{
		Layout: s.layout, PFF: table, Avoidance: &b.pace,
		Scheduler: func() (sched.Scheduler, error) {
			q := choose(t, b.env, sched.Policies(), s.scheduler)
			if s.spy != nil {
				q = s.spy(q)
			}
			return q, nil
		},
	})
	b.dt.SetAddress(self)
	cfg := Config{
		Layer: core.LayerInfo{Name: "net", Hash: core.SHA3_256}, DT: b.dt, Directory: names, Avoidance: &b.pace, Queue: s.queue,
		Cube: s.cube, SkipUnreachable: s.skip,
	}
	if s.shaping.name != "" {
		cfg.Shaping = choose(t, b.env, shape.Policies(), s.shaping)
	}
	if s.admission.name != "" {
		b.ledger = &ledger{Admission: choose(t, b.env, adm.Policies(), s.admission)}
		cfg.Admission = b.ledger
	}
	if s.rate > 0 {
		cfg.Rate = func() int64 { return s.rate }
	}
	b.fa = New(b.env, cfg)
	b.fa.OnRequest(func(in core.IncomingFlow) {
		b.reqs = append(b.reqs, in)
		b.note("request %d for %s, piggyback %q", len(b.reqs)-1, b.nameOf(in.Hash), in.Piggyback)
	})
	if _, err := b.dt.AddPort(first, &b.below, portUser{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.fa.Close()
		b.run(time.Minute)
		b.dt.RemovePort(0, true)
		b.below.done.Stop()
		if b.ledger != nil && b.ledger.flows != 0 {
			t.Errorf("%d admitted flows were not released", b.ledger.flows)
		}
		if n := b.w.Pool().Live(); n != 0 {
			t.Errorf("%d packets were not released", n)
		}
		if n := b.w.Pending(); n != 0 {
			t.Errorf("%d timers are still armed", n)
		}
		b.w.Close()
	})
	return b
}

type portUser struct{}

func (portUser) PortState(pff.Port, bool)           {}
func (portUser) PortClosed(pff.Port, uint64, error) {}

func (b *bench) note(format string, args ...any) {
	fmt.Fprintf(&b.log, "%v "+format+"\n", append([]any{b.w.Now()}, args...)...)
}

// run lets time pass.
func (b *bench) run(d time.Duration) {
	if err := b.w.Run(b.w.Now().Add(d)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) nameOf(h core.Hash) string {
	for _, n := range []core.Name{"x", "y"} {
		if core.SHA3_256.Sum(n) == h {
			return string(n)
		}
	}
	return "?"
}

// id returns the symbol of an endpoint id: E0, E1 and so on for those of this member.
func (b *bench) id(eid uint64) string {
	if eid>>32 == 0 {
		return fmt.Sprint(eid)
	}
	for i, x := range b.ids {
		if x == eid {
			return fmt.Sprintf("E%d", i)
		}
	}
	b.ids = append(b.ids, eid)
	return fmt.Sprintf("E%d", len(b.ids)-1)
}

// sent shows a packet that left.
func (b *bench) sent(p []byte) {
	l := wire.DefaultPCI
	dst, eid, body := l.Dst(p), l.EndpointID(p), p[l.Len():]
	if eid != EID {
		cube := ""
		if c := l.Cube(p); c != 0 {
			cube = fmt.Sprintf(" cube %d", c)
		}
		b.note("-> %d eid %s%s %q", dst, b.id(eid), cube, body)
		return
	}
	m, digest, rest, err := wire.ParseFA(body, core.SHA3_256.Len())
	switch {
	case err != nil:
		b.note("-> %d bad message: %v", dst, err)
	case m.Code == wire.FlowReq:
		b.note("-> %d FLOW_REQ from %d S_EID %s for %s %q", dst, m.Source, b.id(m.SEID), b.nameOf(core.Hash(digest)), rest)
	case m.Code == wire.FlowReply:
		b.note("-> %d FLOW_REPLY R_EID %s S_EID %s response %d %q", dst, b.id(m.REID), b.id(m.SEID), m.Response, rest)
	default:
		b.note("-> %d FLOW_UPDATE R_EID %s level %d", dst, b.id(m.REID), m.ECE)
	}
}

// arrive hands a packet for this member to the N-1 flow.
func (b *bench) arrive(eid uint64, payload []byte) {
	l := wire.DefaultPCI
	p := b.env.Pool.GetCopy(64, payload)
	l.Put(p.Push(l.Len()), self, 0, 60, 0, eid)
	b.below.sink.Deliver(p)
}

// message hands a message for the flow allocator to the N-1 flow.
func (b *bench) message(m wire.FA, digest core.Hash, rest string) {
	buf := make([]byte, wire.FAFixed)
	m.Put(buf)
	b.arrive(EID, append(append(buf, digest...), rest...))
}

// request hands a request of another member in.
func (b *bench) request(src, seid uint64, name core.Name) {
	b.message(requestOf(src, seid, b.qos), core.SHA3_256.Sum(name), "hello")
}

// requestOf is the request for a flow.
func requestOf(src, seid uint64, q core.QoS) wire.FA {
	return wire.FA{
		Source: src, SEID: seid, Bandwidth: q.Bandwidth, Delay: q.Delay, Loss: q.Loss, BER: q.BER, MaxGap: q.MaxGap,
		Timeout: q.Timeout, Code: wire.FlowReq, Availability: q.Availability, InOrder: q.InOrder,
	}
}

// alloc asks for a flow; the user attaches when it stands.
func (b *bench) alloc(name core.Name) {
	b.undo = b.fa.AllocFlow(core.FlowRequest{Hash: core.SHA3_256.Sum(name), QoS: b.qos, Piggyback: []byte("hi")},
		func(f core.Flow, r core.FlowReply, err error) {
			if err != nil {
				b.note("refused: %v", err)
				return
			}
			b.note("allocated %s, MPL %v, piggyback %q", b.id(f.Info().EID), r.MPL, r.Piggyback)
			b.use(f)
		})
}

// use attaches a user.
func (b *bench) use(f core.Flow) *user {
	u := &user{b: b, flow: f, n: len(b.users)}
	b.users = append(b.users, u)
	f.Attach(u)
	return u
}

// user is the user of a flow.
type user struct {
	b       *bench
	flow    core.Flow
	n       int
	onTouch func() // called in each up-call
	quiet   bool
	got     int
}

func (u *user) touch(format string, args ...any) {
	if !u.quiet {
		u.b.note("user %d: "+format, append([]any{u.n}, args...)...)
	}
	if u.onTouch != nil {
		u.onTouch()
	}
}

func (u *user) Deliver(p *pkt.Buf) {
	s := ""
	if !u.quiet {
		s = string(p.Bytes())
	}
	u.got++
	p.Release()
	u.touch("got %q", s)
}
func (u *user) Writable()        { u.touch("writable") }
func (u *user) State(up bool)    { u.touch("up %v", up) }
func (u *user) Closed(err error) { u.touch("closed: %v", err) }

// write writes a packet; one that is not taken is released.
func (u *user) write(s string) error {
	p := u.b.env.Pool.GetCopy(64, []byte(s))
	err := u.flow.Write(p)
	if errors.Is(err, core.ErrWouldBlock) {
		p.Release()
	}
	return err
}
