package dt

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast/pff"
)

// TestWaitingIsAnExactTimeIntegral: what waits in the scheduler of a port is known at any time, without what the
// N-1 flow holds, and the sum of the times that packets waited is exact, also of ports that are removed.
func TestWaitingIsAnExactTimeIntegral(t *testing.T) {
	const ms = time.Millisecond
	m := newMember(t, wire.DefaultPCI, "none", 4, 2)
	out := m.flows[1]
	out.room, out.queued = 0, 92
	at := func(d time.Duration) core.Time {
		if err := m.w.Run(core.Time(d)); err != nil {
			t.Fatal(err)
		}
		return m.env.Now()
	}
	waiting := func(now core.Time, port pff.Port) (w Waiting) {
		m.Waiting(now, func(x Waiting) {
			if x.Port == port {
				w = x
			}
		})
		return w
	}
	in := func() { m.arrive(0, m.packet(101, 0, 60, 0, 99, "x")) }
	at(10 * ms)
	in() // 1 from 10 ms
	at(15 * ms)
	in() // 2 from 15 ms
	in() // 3
	if w := waiting(at(20*ms), 1); w.Now != 3 || w.Most != 3 || w.Peer != 101 || w.Time != (1*5+3*5)*ms || w.Removed() {
		t.Errorf("at 20 ms: %+v", w)
	}
	out.room = 2
	out.sink.Writable() // 1 from 20 ms
	if w := waiting(at(30*ms), 1); w.Now != 1 || w.Most != 3 || w.Time != (20+10)*ms {
		t.Errorf("at 30 ms: %+v", w)
	}
	if w := waiting(m.env.Now(), 0); w.Most != 0 || w.Time != 0 {
		t.Errorf("the other port: %+v", w)
	}
	at(40 * ms)
	m.RemovePort(1, true)
	if w := waiting(at(90*ms), pff.None); !w.Removed() || w.Now != 0 || w.Most != 3 || w.Time != (20+20)*ms {
		t.Errorf("after the port: %+v", w)
	}
}
