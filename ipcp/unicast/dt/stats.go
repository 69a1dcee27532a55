package dt

import (
	"errors"

	"ouroboros/core"
	"ouroboros/ipcp/unicast/pff"
)

// Counter counts packets and their bytes with header.
type Counter struct{ Packets, Bytes uint64 }

// Add counts a packet of n bytes.
func (c *Counter) Add(n int) { c.Packets++; c.Bytes += uint64(n) }

// Stats are the counters of one port or of a component (spec 02 §10.3). Bytes of a component are counted
// without the header where it sends.
type Stats struct {
	Sent, Received           Counter
	LocalSent, LocalReceived Counter
	DropTTL, DropNoRoute     Counter
	DropWrite                Counter // the N-1 flow is down or took no more
	DropMTU                  Counter // longer than the N-1 flow takes
	DropShort                Counter // shorter than the header
	DropUnknown              Counter // no such component here
}

// PerCube are counters by the cube in the header of the packets. A cube that nobody has defined, and a
// packet too short to have one, counts as best effort.
type PerCube [core.NumCubes]Stats

// of returns the counters of a cube.
func (s *PerCube) of(c core.Cube) *Stats {
	if c >= core.NumCubes {
		c = core.CubeBestEffort
	}
	return &s[c]
}

// Sum returns the counters of all cubes together.
func (s *PerCube) Sum() (t Stats) {
	for i := range s {
		t.Add(&s[i])
	}
	return t
}

// Add adds other counters.
func (s *Stats) Add(t *Stats) {
	for _, x := range []struct {
		to   *Counter
		from Counter
	}{
		{&s.Sent, t.Sent},
		{&s.Received, t.Received},
		{&s.LocalSent, t.LocalSent},
		{&s.LocalReceived, t.LocalReceived},
		{&s.DropTTL, t.DropTTL},
		{&s.DropNoRoute, t.DropNoRoute},
		{&s.DropWrite, t.DropWrite},
		{&s.DropMTU, t.DropMTU},
		{&s.DropShort, t.DropShort},
		{&s.DropUnknown, t.DropUnknown},
	} {
		x.to.Packets += x.from.Packets
		x.to.Bytes += x.from.Bytes
	}
}

// written counts a packet of n bytes that the N-1 flow has taken, with what it said.
func (s *Stats) written(n int, err error) {
	switch {
	case err == nil:
		s.Sent.Add(n)
	case errors.Is(err, core.ErrMsgSize):
		s.DropMTU.Add(n)
	default:
		s.DropWrite.Add(n)
	}
}

// Origin returns the counters of what starts or ends at this member and belongs to no port.
func (d *DT) Origin() Stats {
	t := d.origin.Sum()
	for i := range d.comps {
		if st := d.comps[i].st; st != nil {
			sum := st.Sum()
			t.Add(&sum)
		}
	}
	return t
}

// Gone returns the sum of the counters of the ports that have been removed.
func (d *DT) Gone() Stats { return d.gone.Sum() }

// Ports calls yield for every port in ascending order, with its counters over all cubes.
func (d *DT) Ports(yield func(p pff.Port, peer uint64, st Stats, queued int)) {
	for i, p := range d.ports {
		if p != nil {
			yield(pff.Port(i), p.peer, p.st.Sum(), p.queued())
		}
	}
}

// PortInfo describes a port for the management tree (spec 02 §10.3).
type PortInfo struct {
	Port   pff.Port
	Peer   uint64    // address of the member on the other side
	Since  core.Time // when the port was made
	Queued int       // packets that the next packet would wait behind
	Stats  PerCube
}

// Port returns the description of a port; ok is false if there is none of that number.
func (d *DT) Port(i pff.Port) (info PortInfo, ok bool) {
	if i < 0 || int(i) >= len(d.ports) || d.ports[i] == nil {
		return info, false
	}
	p := d.ports[i]
	return PortInfo{Port: i, Peer: p.peer, Since: p.since, Queued: p.queued(), Stats: p.st}, true
}

// ComponentStats returns the counters of the component with the given endpoint id, below FirstFlow; ok is
// false if there is none.
func (d *DT) ComponentStats(eid int) (st PerCube, ok bool) {
	if eid < 0 || eid >= FirstFlow || d.comps[eid].st == nil {
		return st, false
	}
	return *d.comps[eid].st, true
}
