package dt

import (
	"errors"
	"fmt"
	"testing"

	"ouroboros/core"
	"ouroboros/core/pkt"
	"ouroboros/core/wire"
)

// local is a flow of a member that always has another packet to send, to the address 101.
type local struct {
	Sender
	m    *member
	name string
	cube core.Cube
	left int
	size int // of a packet in bytes, at least the length of the name
	gone int // packets that data transfer has taken
	err  error
}

func newLocal(m *member, name string, cube core.Cube, packets, size int) *local {
	l := &local{m: m, name: name, cube: cube, left: packets, size: size}
	l.Wake = l.try
	return l
}

// try sends until it is refused.
func (l *local) try() {
	for l.left > 0 {
		p := l.m.env.Pool.Get(64, max(l.size, len(l.name)))
		copy(p.Bytes(), l.name)
		err := l.m.Send(101, l.cube, FirstFlow, 0, p, &l.Sender)
		if errors.Is(err, core.ErrWouldBlock) {
			if string(p.Bytes()[:len(l.name)]) != l.name || p.Len() != max(l.size, len(l.name)) {
				l.m.fail("a packet was given back as %q", p.Bytes())
			}
			p.Release()
			return
		}
		if err != nil {
			l.err = err
		}
		l.left--
		l.gone++
	}
}

// ordered returns a member under a scheduler that orders packets, its outgoing port 1 full.
func ordered(t testing.TB, scheduler string, params map[string]any) (*member, *fakeFlow) {
	m := newScheduled(t, wire.DefaultPCI, "none", scheduler, params, 2)
	m.flows[1].room = 0
	return m, m.flows[1]
}

// let has the N-1 flow take one packet, and returns what it was.
func (m *member) let(out *fakeFlow) []byte {
	out.room = 1
	out.sink.Writable()
	got := out.take()
	if len(got) != 1 {
		m.fail("%d packets left for room for one", len(got))
		return make([]byte, 64)
	}
	return got[0]
}

// TestVoiceGoesBeforeLocalFlows: spec 02 §8.2. The policy orders the packets of the member's own flows as it
// does those in transit: behind 20 flows of best effort that all have more to send, a packet of voice is the
// next to leave, and so is each that comes later.
func TestVoiceGoesBeforeLocalFlows(t *testing.T) {
	m, out := ordered(t, "strict-priority", nil)
	for i := range 20 {
		newLocal(m, fmt.Sprint("rest ", i), core.CubeBestEffort, 1000, 0).try()
	}
	m.arrive(0, m.packet(101, 1, 60, 0, 99, "transit"))
	voice := newLocal(m, "voice", core.CubeVoice, 1, 0)
	voice.try()
	for _, want := range []string{"voice", "transit", "rest 0", "rest 1"} {
		if got := string(m.let(out)[15:]); got != want {
			t.Errorf("%q left, want %q", got, want)
		}
	}
	voice.left = 2
	voice.try()
	for _, want := range []string{"voice", "voice", "rest 2"} {
		if got := string(m.let(out)[15:]); got != want {
			t.Errorf("later: %q left, want %q", got, want)
		}
	}
}

// TestLocalFlowsTakeTurns: within a cube a flow has its next packet behind those of all others, in transit or
// not; none gets more than its turn, and none waits for ever.
func TestLocalFlowsTakeTurns(t *testing.T) {
	const flows, rounds = 7, 30
	m, out := ordered(t, "strict-priority", nil)
	var all []*local
	for i := range flows {
		all = append(all, newLocal(m, fmt.Sprint(i), core.CubeVideo, 1000, 0))
		all[i].try()
	}
	for k := range rounds * flows {
		if got, want := string(m.let(out)[15:]), all[k%flows].name; got != want {
			t.Fatalf("packet %d is of flow %q, want %q", k, got, want)
		}
	}
	for _, l := range all {
		if l.gone != rounds+1 || l.err != nil { // one of each waits in the scheduler
			t.Errorf("flow %s: %d packets, %v", l.name, l.gone, l.err)
		}
	}
}

// TestLocalCubesShare: under deficit round robin the cubes of local flows share by their quanta, in bytes with
// the header, however many flows there are in each and however long their packets.
func TestLocalCubesShare(t *testing.T) {
	m, out := ordered(t, "drr", map[string]any{"quantum_best_effort": 1000, "quantum_video": 2000, "quantum_voice": 3000})
	for i := range 9 {
		newLocal(m, fmt.Sprint("rest ", i), 0, 1e6, 785).try()
	}
	newLocal(m, "video", 1, 1e6, 985).try()
	newLocal(m, "voice", 2, 1e6, 135).try()
	newLocal(m, "voice", 2, 1e6, 135).try()
	var bytes [3]int
	const total = 600_000
	for bytes[0]+bytes[1]+bytes[2] < total {
		p := m.let(out)
		bytes[p[4]] += len(p)
	}
	for cube, n := range bytes {
		// The bound of the policy: a quantum and one packet, and as much for the sum that is cut off.
		if want := total / 6 * (cube + 1); n < want-5000 || n > want+5000 {
			t.Errorf("cube %d: %d bytes of %d, want about %d", cube, n, total, want)
		}
	}
}

// TestHeldPacketsEndWithThePort: what a flow has in the scheduler of a port that goes is dropped and counted,
// and the flow is told in a call of its own that it may try again, once.
func TestHeldPacketsEndWithThePort(t *testing.T) {
	for _, closeFlow := range []bool{true, false} {
		m, _ := ordered(t, "drr", nil)
		var all []*local
		for i := range 5 {
			all = append(all, newLocal(m, fmt.Sprint(i), core.Cube(i%3), 2+i%2, 0))
			all[i].try()
		}
		one := newLocal(m, "one", 0, 1, 0) // which does not wait for anything
		one.try()
		m.RemovePort(1, closeFlow)
		for _, l := range all {
			if l.gone != 1 {
				t.Errorf("flow %s was woken on the stack", l.name)
			}
		}
		if err := m.w.Run(0); err != nil {
			t.Fatal(err)
		}
		for _, l := range all {
			if l.left != 0 || !errors.Is(l.err, core.ErrIPCP) {
				t.Errorf("flow %s: %d left, %v: its way is gone", l.name, l.left, l.err)
			}
		}
		if st := m.Gone(); st.DropWrite.Packets != 6 {
			t.Errorf("%d packets were dropped with the port, want 6", st.DropWrite.Packets)
		}
	}
}

// TestFlowsThatRemoveThePort: a flow that is woken while its port writes may end that port.
func TestFlowsThatRemoveThePort(t *testing.T) {
	m, out := ordered(t, "strict-priority", nil)
	other := newLocal(m, "other", 0, 3, 0)
	s := &Sender{Wake: func() { m.RemovePort(1, true) }}
	for range 2 {
		p := m.env.Pool.Get(64, 3)
		if err := m.Send(101, 2, FirstFlow, 0, p, s); err != nil {
			p.Release()
		}
	}
	other.try()
	out.room = -1
	out.sink.Writable()
	if got := len(out.take()); got != 1 || other.left != 0 || m.Gone().DropWrite.Packets != 1 {
		t.Errorf("%d packets left, %d of the other flow not, %+v", got, other.left, m.Gone())
	}
}

// TestRouteMovesWhileAPacketWaits: the packets of a flow stay in order. While one of them waits, those behind
// it do not take another port.
func TestRouteMovesWhileAPacketWaits(t *testing.T) {
	m, out := ordered(t, "strict-priority", nil)
	l := newLocal(m, "x", 0, 3, 0)
	l.try()
	m.pff.Replace(routesTo(101, 0))
	l.try()
	if n := len(m.flows[0].take()); n != 0 {
		t.Errorf("%d packets overtook", n)
	}
	m.let(out)
	if n := len(m.flows[0].take()); n != 2 || l.left != 0 {
		t.Errorf("%d packets on the new way, %d left", n, l.left)
	}
}

// TestHeldPacketsAreKnownAgain: a packet in transit never counts as that of a flow, whatever number it came
// with, nor does an N-1 flow that writes its own into a packet that it refuses confuse anyone.
func TestHeldPacketsAreKnownAgain(t *testing.T) {
	m, out := ordered(t, "strict-priority", nil)
	out.scribble = true
	for i := range 4 {
		newLocal(m, fmt.Sprint(i), 0, 50, 0).try()
		p := m.packet(101, 0, 60, 0, 99, "t")
		p.Meta = pkt.Meta{Flow: uint32(i)}
		m.arrive(0, p)
	}
	for k := range 4 * 50 {
		out.room = 0
		out.sink.Writable() // in vain
		if got, want := string(m.let(out)[15:]), fmt.Sprint(k/2%4); k < 8 && k%2 == 0 && got != want {
			t.Errorf("packet %d is %q, want %q", k, got, want)
		}
	}
	if st := m.port(1); st.Sent.Packets != 200 {
		t.Errorf("%d packets, want 200", st.Sent.Packets)
	}
	out.room = -1
	out.sink.Writable()
	if st := m.port(1); st.Sent.Packets != 204 || m.ports[1].blocked {
		t.Errorf("%d packets, want 204", st.Sent.Packets)
	}
}

// TestHeldPacketsAreBounded: beyond what flows there can be, a packet is dropped and counted.
func TestHeldPacketsAreBounded(t *testing.T) {
	m, _ := ordered(t, "drr", nil)
	newLocal(m, "first", 0, 1, 0).try()
	p := m.ports[1]
	kept := p.held
	p.held = make([]*Sender, maxHeld)
	l := newLocal(m, "x", 0, 1, 0)
	l.try()
	p.held = kept
	if !errors.Is(l.err, core.ErrAgain) || m.port(1).DropWrite.Packets != 1 {
		t.Errorf("%v, %+v", l.err, m.port(1))
	}
}

// TestHoldingDoesNotAllocate: no allocation on the packet path in the steady state.
func TestHoldingDoesNotAllocate(t *testing.T) {
	for _, scheduler := range []string{"strict-priority", "drr"} {
		m, out := ordered(t, scheduler, nil)
		out.discard = true
		for i := range 20 {
			newLocal(m, "x", core.Cube(i%3), 1e6, 0).try()
		}
		turn := func() {
			for range 20 {
				out.room = 1
				out.sink.Writable()
			}
		}
		turn()
		if n := testing.AllocsPerRun(50, turn); n != 0 {
			t.Errorf("%s: %v allocations for 20 packets", scheduler, n)
		}
	}
}

// TestLongPacketsAreCounted: what is longer than the N-1 flow takes has a counter of its own, at the source, in
// transit and after it has waited.
func TestLongPacketsAreCounted(t *testing.T) {
	m := newMember(t, wire.DefaultPCI, "none", 10, 2)
	out := m.flows[1]
	out.room = 0
	m.arrive(0, m.packet(101, 0, 60, 0, 99, "abc"))
	out.refuse = core.ErrMsgSize
	out.sink.Writable()
	m.arrive(0, m.packet(101, 1, 60, 0, 99, "abc"))
	if err := m.Send(101, 2, FirstFlow, 0, m.env.Pool.Get(64, 3), nil); !errors.Is(err, core.ErrMsgSize) {
		t.Error(err)
	}
	info, _ := m.Port(1)
	for cube, st := range info.Stats {
		if st != (Stats{DropMTU: Counter{1, 18}}) {
			t.Errorf("cube %d: %+v", cube, st)
		}
	}
	m.RemovePort(1, true)
	if m.Gone().DropMTU != (Counter{3, 54}) {
		t.Errorf("of removed ports: %+v", m.Gone())
	}
}
