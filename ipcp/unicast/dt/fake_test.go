package dt

import (
	"errors"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/sched"
	"ouroboros/sim"
)

// fakeFlow is an N-1 flow in the hands of a test. It keeps what is written.
type fakeFlow struct {
	info    core.FlowInfo
	queued  int
	refuse  error // what Write says
	room    int   // packets that are taken before Write blocks; < 0 = any number
	written []*pkt.Buf
	discard bool // release what is written at once
	sink    core.Sink
	closed  bool

	scribble bool // writes its own number into a packet that it refuses, as a shim may
}

func newFakeFlow() *fakeFlow {
	return &fakeFlow{info: core.FlowInfo{MTU: 1482, Headroom: 18, Tailroom: 4}, room: -1}
}

func (f *fakeFlow) Info() core.FlowInfo { return f.info }
func (f *fakeFlow) Queued() int         { return f.queued }
func (f *fakeFlow) SetReceive(bool)     {}
func (f *fakeFlow) Attach(s core.Sink)  { f.sink = s }
func (f *fakeFlow) Close(time.Duration) { f.closed = true }

func (f *fakeFlow) Write(p *pkt.Buf) error {
	switch {
	case f.refuse != nil:
		if !errors.Is(f.refuse, core.ErrWouldBlock) {
			p.Release()
		}
		return f.refuse
	case f.room == 0:
		if f.scribble {
			p.Meta = pkt.Meta{Flow: 1}
		}
		return core.ErrWouldBlock
	}
	f.room--
	if f.discard {
		p.Release()
		return nil
	}
	if p.Headroom() < f.info.Headroom {
		panic("a packet without the headroom that the flow asks for")
	}
	f.written = append(f.written, p)
	return nil
}

// take returns the content of what was written, and forgets it.
func (f *fakeFlow) take() (out [][]byte) {
	for _, p := range f.written {
		out = append(out, append([]byte(nil), p.Bytes()...))
		p.Release()
	}
	f.written = nil
	return out
}

// fakeUser records what a port tells.
type fakeUser struct {
	states []bool
	closed []uint64
}

func (u *fakeUser) PortState(_ pff.Port, up bool) { u.states = append(u.states, up) }
func (u *fakeUser) PortClosed(_ pff.Port, peer uint64, _ error) {
	u.closed = append(u.closed, peer)
}

// member is a data transfer component between N-1 flows in the hands of a test: port k leads to the
// address 100+k.
type member struct {
	*DT
	fail  func(format string, args ...any)
	w     *sim.World
	env   core.Env
	pff   pff.PFF
	flows []*fakeFlow
	user  fakeUser
}

const self = 7

// newMember returns a member under the scheduler fifo with the given limit.
func newMember(t testing.TB, layout wire.PCI, congestion string, limit, ports int) *member {
	t.Helper()
	return newScheduled(t, layout, congestion, "fifo", map[string]any{"limit": limit}, ports)
}

// newScheduled returns a member under a scheduler of the policy table.
func newScheduled(t testing.TB, layout wire.PCI, congestion, scheduler string, params map[string]any, ports int) *member {
	t.Helper()
	m := &member{w: sim.New(1), fail: t.Errorf}
	m.env = m.w.Node("n")
	table, err := pff.Policies().Choose("simple", nil)
	if err != nil {
		t.Fatal(err)
	}
	if m.pff, err = table.New(m.env); err != nil {
		t.Fatal(err)
	}
	avoid, err := ca.Policies().Choose(congestion, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := avoid.New(m.env)
	if err != nil {
		t.Fatal(err)
	}
	queue, err := sched.Policies().Choose(scheduler, params)
	if err != nil {
		t.Fatal(err)
	}
	m.DT = New(m.env, Config{
		Layout: layout, PFF: m.pff, Avoidance: a,
		Scheduler: func() (sched.Scheduler, error) { return queue.New(m.env) },
	})
	m.SetAddress(self)
	for range ports {
		m.addPort(t)
	}
	t.Cleanup(func() {
		for _, f := range m.flows {
			f.take()
		}
		for i := range m.flows {
			m.RemovePort(pff.Port(i), true)
		}
		if n := m.w.Pool().Live(); n != 0 {
			t.Errorf("%d packets were not released", n)
		}
		m.w.Close()
	})
	return m
}

func (m *member) addPort(t testing.TB) *fakeFlow {
	t.Helper()
	f := newFakeFlow()
	i, err := m.AddPort(uint64(100+len(m.flows)), f, &m.user)
	if err != nil || int(i) != len(m.flows) {
		t.Fatalf("port %d, %v", i, err)
	}
	m.flows = append(m.flows, f)
	var routes []pff.Route
	for k := range m.flows {
		routes = append(routes, pff.Route{Dst: uint64(100 + k), Ports: []pff.Port{pff.Port(k)}})
	}
	m.pff.Replace(routes)
	return f
}

// packet makes a packet with a header.
func (m *member) packet(dst uint64, cube, ttl, ecn uint8, eid uint64, payload string) *pkt.Buf {
	p := m.env.Pool.GetCopy(64, []byte(payload))
	m.cfg.Layout.Put(p.Push(m.hdr), dst, cube, ttl, ecn, eid)
	return p
}

// arrive hands a packet to a port as its N-1 flow does.
func (m *member) arrive(port int, p *pkt.Buf) { m.flows[port].sink.Deliver(p) }

// port returns the counters of a port.
func (m *member) port(i int) (st Stats) {
	m.Ports(func(p pff.Port, _ uint64, s Stats, _ int) {
		if int(p) == i {
			st = s
		}
	})
	return st
}
