package dt

import (
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/unicast/pff"
)

// gauge keeps how many packets wait in a queue, over time.
type gauge struct {
	n     int
	most  int
	since core.Time     // of n
	sum   time.Duration // packets times time, up to since
}

// set notes that n packets wait from now on.
func (g *gauge) set(now core.Time, n int) {
	g.sum = g.total(now)
	g.n, g.since, g.most = n, now, max(g.most, n)
}

// total returns the sum over all packets of the time that they have waited until now.
func (g *gauge) total(now core.Time) time.Duration {
	return g.sum + time.Duration(g.n)*max(now.Sub(g.since), 0)
}

// fold adds what another queue, which is empty, has seen.
func (g *gauge) fold(o *gauge) {
	g.sum += o.sum
	g.most = max(g.most, o.most)
}

// measure notes how many packets wait in a port now. One that has passed is in the scheduler for its sake only.
func (p *port) measure() {
	n := p.queue.Len()
	if p.passed != nil {
		n--
	}
	p.waits.set(p.d.env.Now(), n)
}

// Waiting is what waits in the scheduler of a port, without what waits in the N-1 flow.
type Waiting struct {
	Port  pff.Port
	Peer  uint64    // address of the member on the other side; 0 for the ports that have been removed
	Since core.Time // when the port was made
	Now   int       // packets
	Most  int       // largest value so far
	// Time is the sum over all packets of the time that they have waited: its growth over a time is the mean
	// of the packets waiting (Little's law).
	Time time.Duration
}

// Removed reports whether w is of the ports that have been removed.
func (w Waiting) Removed() bool { return w.Port == pff.None }

// Waiting calls yield for every port in ascending order, as of now, and before them for the ports that have been
// removed together, as pff.None.
func (d *DT) Waiting(now core.Time, yield func(Waiting)) {
	yield(Waiting{Port: pff.None, Most: d.waited.most, Time: d.waited.sum})
	for i, p := range d.ports {
		if p != nil {
			yield(Waiting{Port: pff.Port(i), Peer: p.peer, Since: p.since, Now: p.waits.n, Most: p.waits.most, Time: p.waits.total(now)})
		}
	}
}
