package dt

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/pff"
)

func routesTo(dst uint64, port pff.Port) []pff.Route {
	return []pff.Route{{Dst: dst, Ports: []pff.Port{port}}}
}

// payloads returns what stands behind the headers.
func payloads(packets [][]byte, hdr int) (out []string) {
	for _, p := range packets {
		out = append(out, string(p[hdr:]))
	}
	return out
}

// TestFailedWritesAreCounted: spec 02 §6.1, on the outgoing flow, at the source and in transit (D3).
func TestFailedWritesAreCounted(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 2)
	m.flows[1].refuse = core.ErrFlowDown
	m.arrive(0, m.packet(101, 0, 60, 0, 99, "abc"))
	if err := m.Send(101, 0, 64, 0, m.env.Pool.Get(64, 3), &Sender{Wake: func() {}}); !errors.Is(err, core.ErrFlowDown) {
		t.Errorf("Send: %v", err)
	}
	if st := m.port(1); st != (Stats{DropWrite: Counter{2, 36}}) {
		t.Errorf("%+v", st)
	}
	m.arrive(0, m.packet(101, 0, 60, 0, 99, "abc"))
	m.flows[1].refuse = core.ErrWouldBlock
	m.arrive(0, m.packet(101, 0, 60, 0, 99, "abc")) // waits
	m.flows[1].refuse = core.ErrFlowDown
	m.flows[1].sink.Writable()
	if st := m.port(1); st != (Stats{DropWrite: Counter{4, 72}}) {
		t.Errorf("after waiting: %+v", st)
	}
}

// TestBlockedFlow: while an N-1 flow is full, packets in transit wait in the scheduler up to its limit,
// and the flows of this member get ErrWouldBlock and keep their packets. When there is room, what waits
// goes first, then the flows are called in the order in which they were refused, until it is full again.
func TestBlockedFlow(t *testing.T) {
	const limit = 3
	m := newMember(t, wire.DefaultPCI, "mb-ecn", limit, 2)
	out := m.flows[1]
	out.room = 0
	for i := range limit + 2 {
		m.arrive(0, m.packet(101, 0, 60, 0, 99, fmt.Sprint("transit ", i)))
	}
	if st := m.port(1); st.DropWrite.Packets != 2 {
		t.Errorf("%d packets were dropped for want of room, want 2", st.DropWrite.Packets)
	}
	var log []string
	own := func(name string, n int) {
		s := &Sender{}
		s.Wake = func() {
			for n > 0 {
				p := m.env.Pool.GetCopy(64, []byte(name))
				err := m.Send(101, 0, 64, 0, p, s)
				if errors.Is(err, core.ErrWouldBlock) {
					if string(p.Bytes()) != name {
						t.Errorf("a packet was given back as %q", p.Bytes())
					}
					p.Release()
					return
				}
				log = append(log, name)
				n--
			}
		}
		s.Wake()
	}
	own("a", 3)
	own("b", 2)
	own("c", 1)
	if len(log) != 0 {
		t.Fatalf("%v got past a full flow", log)
	}
	_ = m.Send(101, 0, 0, 0, m.env.Pool.GetCopy(64, []byte("message")), nil)
	if st := m.port(1); st.DropWrite.Packets != 3 {
		t.Error("a message without a wake is dropped when there is no room")
	}
	step := func(room int, want ...string) {
		t.Helper()
		out.room = room
		out.sink.Writable()
		if got := payloads(out.take(), 15); !slices.Equal(got, want) {
			t.Errorf("room for %d: %q, want %q", room, got, want)
		}
	}
	step(2, "transit 0", "transit 1")
	step(2, "transit 2", "a") // one more of a waits in the scheduler now
	step(2, "a", "b")         // a has had its turn: b and c come first
	step(3, "b", "c", "a")
	step(1)
	if st := m.port(1); st.Sent.Packets != 9 {
		t.Errorf("sent %d packets, want 9", st.Sent.Packets)
	}
}

// TestQueueCountsWhatWaitsHere: the mark of a packet is for all that it waits behind on this system: in
// the N-1 flow and, while that is full, in the scheduler.
func TestQueueCountsWhatWaitsHere(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "mb-ecn", 100, 2)
	out := m.flows[1]
	out.queued, out.room = 10, 0
	for range 10 {
		m.arrive(0, m.packet(101, 0, 60, 0, 99, ""))
	}
	out.room, out.queued = -1, 0
	out.sink.Writable()
	for i, p := range out.take() {
		// The first finds 10 packets in the flow, packet i those and i in the scheduler.
		if want := byte((10 + i) / 16); p[6] != want {
			t.Errorf("packet %d: mark %d, want %d", i, p[6], want)
		}
	}
}

// TestPortsComeAndGo: what waits in a port that goes is dropped and counted, flows that wait for it try
// again in a call of their own, and its number is given out again.
func TestPortsComeAndGo(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 2)
	m.flows[1].room = 0
	m.arrive(0, m.packet(101, 0, 60, 0, 99, "abc"))
	woken := 0
	p := m.env.Pool.Get(64, 3)
	if err := m.Send(101, 0, 64, 0, p, &Sender{Wake: func() { woken++ }}); !errors.Is(err, core.ErrWouldBlock) {
		t.Fatal(err)
	}
	p.Release()
	m.RemovePort(1, true)
	if woken != 0 || !m.flows[1].closed {
		t.Errorf("woken %d times on the stack, closed %v", woken, m.flows[1].closed)
	}
	if err := m.w.Run(0); err != nil {
		t.Fatal(err)
	}
	if woken != 1 || m.Gone().DropWrite != (Counter{1, 18}) {
		t.Errorf("woken %d times, %+v", woken, m.Gone())
	}
	m.RemovePort(1, true) // twice is once
	m.RemovePort(-1, true)
	m.RemovePort(99, true)
	m.arrive(0, m.packet(101, 0, 60, 0, 99, "abc"))
	if st := m.port(0); st.DropNoRoute.Packets != 1 {
		t.Errorf("a table that still lists the port: %+v", st)
	}
	if i, err := m.AddPort(101, newFakeFlow(), &m.user); err != nil || i != 1 {
		t.Errorf("port %d, %v", i, err)
	}
}

// TestClosedFlowRemovesThePort: decision 5, and its user is told when the port is gone.
func TestClosedFlowRemovesThePort(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 2)
	sink := m.flows[1].sink
	sink.State(false)
	sink.State(true)
	sink.Closed(core.ErrFlowDown)
	sink.Closed(core.ErrFlowDown)
	if !slices.Equal(m.user.states, []bool{false, true}) || !slices.Equal(m.user.closed, []uint64{101}) {
		t.Errorf("told %v, %v", m.user.states, m.user.closed)
	}
	if m.flows[1].closed {
		t.Error("a flow that has ended was closed")
	}
}

// TestLimits: the smallest MTU and the largest room of all ports, as they are now.
func TestLimits(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 0)
	check := func(mtu, headroom, tailroom int) {
		t.Helper()
		if a, b, c := m.Limits(); a != mtu || b != headroom || c != tailroom {
			t.Errorf("MTU %d, headroom %d, tailroom %d, want %d, %d, %d", a, b, c, mtu, headroom, tailroom)
		}
	}
	check(0, 15, 0)
	m.addPort(t)
	check(1467, 33, 4)
	f := newFakeFlow()
	f.info = core.FlowInfo{MTU: 1300, Headroom: 40}
	i, err := m.AddPort(9, f, &m.user)
	if err != nil {
		t.Fatal(err)
	}
	check(1285, 55, 4)
	f.info.MTU = 10 // less than the header
	f.sink.State(true)
	check(0, 55, 4)
	m.RemovePort(i, true)
	check(1467, 33, 4)
}

// TestPacketsGetTheRoomTheyNeed: a packet that comes without the headroom of the flow it leaves on is
// copied into more.
func TestPacketsGetTheRoomTheyNeed(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 2)
	p := m.env.Pool.Get(0, 15)
	m.cfg.Layout.Put(p.Bytes(), 101, 0, 60, 0, 99)
	m.arrive(0, p)
	if err := m.Send(101, 0, 64, 0, m.env.Pool.Get(3, 5), nil); err != nil {
		t.Error(err)
	}
	if out := m.flows[1].take(); len(out) != 2 || len(out[1]) != 20 {
		t.Errorf("%x", out)
	}
}
