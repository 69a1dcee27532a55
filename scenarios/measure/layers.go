package measure

import (
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/broadcast"
	"ouroboros/ipcp/local"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
)

// layer returns what a layer did.
func (r *Recorder) layer(l *node.Layer, run *result.Run, now core.Time) result.Layer {
	x := r.counted(l, now, everywhere)
	if r.whole != nil {
		x = *r.whole.layers[l.Name]
	}
	x.Fairness = r.fairness(l, run)
	x.Convergence = r.convergence(l, now)
	return x
}

// everywhere stands for all nodes.
func everywhere(string) bool { return true }

// counted returns what the members of a layer on some nodes have counted. All IPCPs that they have or had count:
// a crash takes nothing back.
func (r *Recorder) counted(l *node.Layer, now core.Time, mine func(node string) bool) result.Layer {
	x := result.Layer{Name: l.Name, Kind: l.Kind, Over: l.Over, Members: len(l.Members)}
	t := totals{l: &x}
	for _, s := range l.Members {
		m := s.Member(l.Name)
		if m == nil || !mine(s.Name) {
			continue
		}
		if m.In() {
			x.Joined++
			x.Up = result.Some(max(x.Up.Or(0), time.Duration(m.Since)))
		}
		for _, p := range m.Past {
			t.member(p.Unicast, p.Hub)
		}
		t.member(m.Unicast, m.Hub)
	}
	switch l.Kind {
	case scenarios.LayerUnicast:
		t.unicast()
		x.Queues = r.queues(l, now, mine)
	case scenarios.LayerBroadcast:
		t.broadcast()
	case scenarios.LayerLocal:
		l.Local(func(s *node.System, st local.Stats) {
			if mine(s.Name) {
				t.local(st)
			}
		})
	}
	return x
}

// totals are the sums over the IPCPs of one layer.
type totals struct {
	l       *result.Layer
	dt      dt.Stats
	unknown uint64 // packets for flows that do not exist
	hubs    broadcast.Stats
	carried broadcast.Carried
	header  result.Opt[uint64]
}

// member adds an IPCP, of which one is nil.
func (t *totals) member(p *unicast.IPCP, hub *broadcast.IPCP) {
	if p != nil {
		for _, c := range p.Control() {
			t.control(c.Kind, c.Packets, c.Bytes)
		}
		t.forwarded(p)
	}
	if hub != nil {
		for _, c := range hub.Control() {
			t.control(c.Kind, c.Packets, c.Bytes)
		}
		st, _ := hub.Stats()
		for _, c := range []struct{ to, from *broadcast.Counter }{
			{&t.hubs.DropQueue, &st.DropQueue},
			{&t.hubs.DropWrite, &st.DropWrite},
			{&t.hubs.DropSize, &st.DropSize},
			{&t.hubs.DropBlocked, &st.DropBlocked},
			{&t.hubs.DropGuard, &st.DropGuard},
		} {
			c.to.Packets += c.from.Packets
		}
		c := hub.Carried()
		t.carried.In.Packets += c.In.Packets
		t.carried.In.Bytes += c.In.Bytes
		t.carried.Below.Packets += c.Below.Packets
		t.carried.Below.Bytes += c.Below.Bytes
	}
}

// control adds to the sum of one kind of message.
func (t *totals) control(kind string, packets, bytes uint64) {
	for i := range t.l.Control {
		if c := &t.l.Control[i]; c.Kind == kind {
			c.Packets += packets
			c.Bytes += bytes
			return
		}
	}
	t.l.Control = append(t.l.Control, result.Control{Kind: kind, Packets: packets, Bytes: bytes})
}

// forwarded adds what a unicast IPCP has carried and dropped.
func (t *totals) forwarded(p *unicast.IPCP) {
	d := p.DT()
	if d == nil { // it has never been in the layer
		return
	}
	origin := d.Origin()
	origin.Sent = dt.Counter{} // to components of the member itself
	tally(&t.dt, origin)
	tally(&t.dt, d.Gone())
	d.Ports(func(_ pff.Port, _ uint64, st dt.Stats, _ int) { tally(&t.dt, st) })
	t.unknown += p.FA().Stats().UnknownFlow
	t.header = result.Some(uint64(d.HeaderLen()))
	sum, load := p.FA().Carried(), &t.l.Load
	load.Packets = result.Some(load.Packets.Or(0) + sum.Sent)
	load.Bytes = result.Some(load.Bytes.Or(0) + sum.SentBytes)
}

// unicast fills in the sums of a unicast layer.
func (t *totals) unicast() {
	t.l.Drops = []result.Count{
		{Name: "ttl", Value: t.dt.DropTTL.Packets},
		{Name: "no-route", Value: t.dt.DropNoRoute.Packets},
		{Name: "write", Value: t.dt.DropWrite.Packets},
		{Name: "mtu", Value: t.dt.DropMTU.Packets},
		{Name: "short", Value: t.dt.DropShort.Packets},
		{Name: "unknown-component", Value: t.dt.DropUnknown.Packets},
		{Name: "unknown-flow", Value: t.unknown},
	}
	x := &t.l.Load
	x.Header = t.header
	if x.Header.OK() {
		x.HopPackets, x.HopBytes = result.Some(t.dt.Sent.Packets), result.Some(t.dt.Sent.Bytes)
	}
}

// broadcast fills in the sums of a broadcast layer, which has no header.
func (t *totals) broadcast() {
	t.l.Drops = []result.Count{
		{Name: "queue", Value: t.hubs.DropQueue.Packets},
		{Name: "write", Value: t.hubs.DropWrite.Packets},
		{Name: "size", Value: t.hubs.DropSize.Packets},
		{Name: "blocked", Value: t.hubs.DropBlocked.Packets},
		{Name: "guard", Value: t.hubs.DropGuard.Packets},
	}
	c := t.carried
	t.l.Load = result.Load{
		Packets: result.Some(c.In.Packets), Bytes: result.Some(c.In.Bytes),
		HopPackets: result.Some(c.Below.Packets), HopBytes: result.Some(c.Below.Bytes), Header: result.Some(uint64(0)),
	}
}

// local adds the drops of an IPCP of a local layer. It sends no messages, and nothing goes below it.
func (t *totals) local(st local.Stats) {
	if t.l.Drops == nil {
		t.l.Drops = []result.Count{{Name: "closed"}, {Name: "size"}}
	}
	t.l.Drops[0].Value += st.DropClosed
	t.l.Drops[1].Value += st.DropSize
}

func tally(sum *dt.Stats, st dt.Stats) {
	sum.Sent.Packets += st.Sent.Packets
	sum.Sent.Bytes += st.Sent.Bytes
	sum.DropTTL.Packets += st.DropTTL.Packets
	sum.DropNoRoute.Packets += st.DropNoRoute.Packets
	sum.DropWrite.Packets += st.DropWrite.Packets
	sum.DropShort.Packets += st.DropShort.Packets
	sum.DropUnknown.Packets += st.DropUnknown.Packets
	sum.DropMTU.Packets += st.DropMTU.Packets
}
