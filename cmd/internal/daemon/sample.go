package daemon

import (
	"fmt"

	"ouroboros/cmd/internal/control"
	"ouroboros/core"
	"ouroboros/core/line"
	"ouroboros/ipcp/broadcast"
	"ouroboros/ipcp/local"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/fa"
	"ouroboros/ipcp/unicast/pff"
)

// sample is one number that the daemon keeps, read at one instant. Each is a counter of a component, or the sum of
// such counters; nothing is estimated.
type sample struct {
	metric string // as in metrics.go, without the prefix
	ipcp   *member
	label  string // value of the label that the metric has besides, "" for none
	value  uint64
}

// reader collects samples.
type reader struct {
	out []sample
	m   *member
}

func (r *reader) add(metric, label string, v uint64) {
	r.out = append(r.out, sample{metric, r.m, label, v})
}

// samples reads all numbers of the system: those of the broker first, then IPCP by IPCP.
func (s *System) samples() []sample {
	r := &reader{}
	s.readBroker(r)
	for _, m := range s.members {
		r.m = m
		r.add("ipcp_state", m.state().String(), 1)
		switch p := m.p.(type) {
		case *local.IPCP:
			r.local(p)
		case *base:
			r.shim(p)
		case router:
			r.unicast(p.IPCP)
		case hub:
			r.broadcast(p.IPCP)
		}
	}
	return r.out
}

func (s *System) readBroker(r *reader) {
	b := s.broker
	processes := 0
	for _, p := range b.Processes() {
		if p.IPCP == "" {
			processes++
		}
	}
	r.add("ipcps", "", uint64(len(s.members)))
	r.add("names", "", uint64(len(b.Names())))
	r.add("processes", "", uint64(processes))
	st := b.Stats()
	r.add("direct_flow_ends", "", uint64(st.DirectOpen))
	r.add("direct_flows_total", "", st.Direct)
	d := b.DirectStats()
	r.add("direct_packets_total", "", d.Packets)
	r.add("direct_bytes_total", "", d.Bytes)
	r.add("direct_dropped_packets_total", "closed", d.DropClosed)
	r.add("direct_dropped_packets_total", "size", d.DropSize)
	r.add("programs_started_total", "", st.Started)
	r.add("programs_failed_total", "", st.StartFailed)
	server, client := b.Handshakes()
	r.add("handshakes_total", "accepted", server.Accepted)
	r.add("handshakes_total", "malformed", server.Malformed)
	r.add("handshakes_total", "stale", server.Stale)
	r.add("handshakes_total", "repeated", server.Repeated)
	r.add("handshakes_total", "excess", server.Excess)
	r.add("handshakes_total", "unknown", server.Unknown)
	r.add("handshakes_total", "unmet", server.Unmet)
	r.add("handshake_replies_total", "accepted", client.Accepted)
	r.add("handshake_replies_total", "refused", client.Refused)
	r.add("buffers", "", uint64(s.env.Pool.Live()))
	r.add("buffers_peak", "", uint64(s.env.Pool.Peak()))
}

func (r *reader) local(p *local.IPCP) {
	st := p.Stats()
	r.add("requests_total", "asked", st.Requests)
	r.add("requests_total", "refused", st.Refused)
	r.packets("received", st.Packets, st.Bytes)
	r.drop("closed", st.DropClosed)
	r.drop("size", st.DropSize)
}

func (r *reader) packets(direction string, packets, bytes uint64) {
	r.add("packets_total", direction, packets)
	r.add("bytes_total", direction, bytes)
}

func (r *reader) drop(cause string, n uint64) { r.add("dropped_packets_total", cause, n) }

func (r *reader) shim(b *base) {
	c := b.counters
	r.add("flows", "", uint64(b.Flows()))
	r.packets("sent", c.Sent, c.SentBytes)
	r.packets("received", c.Received, c.ReceivedBytes)
	r.packets("management-sent", c.ManagementSent, 0)
	r.packets("management-received", c.ManagementReceived, 0)
	r.add("retransmitted_total", "", c.Retransmitted)
	for _, d := range []struct {
		cause string
		n     uint64
	}{
		{"short", c.Drop.Short},
		{"type", c.Drop.Type},
		{"destination", c.Drop.Destination},
		{"source", c.Drop.Source},
		{"eid", c.Drop.EID},
		{"size", c.Drop.Size},
		{"down", c.Drop.Down},
		{"held", c.Drop.Held},
		{"refused", c.Drop.Refused},
		{"link", c.Drop.Link},
		{"management", c.Drop.Management},
	} {
		r.drop(d.cause, d.n)
	}
	for dir, word := range map[int]string{line.Out: "out", line.In: "in"} {
		st := b.shaper.Stats(dir)
		r.drop("shaped-queue-"+word, st.DropQueue)
		r.drop("shaped-loss-"+word, st.DropLoss+st.DropError)
		r.drop("shaped-down-"+word, st.DropDown)
	}
}

func (r *reader) unicast(p *unicast.IPCP) {
	d := p.DT()
	if d == nil {
		return
	}
	st, ports := d.Gone(), uint64(0)
	d.Ports(func(_ pff.Port, _ uint64, one dt.Stats, _ int) {
		ports++
		st.Add(&one)
	})
	flows := uint64(0)
	p.FA().Flows(func(fa.FlowInfo) { flows++ })
	r.add("flows", "", flows)
	r.add("neighbours", "", ports)
	r.packets("sent", st.Sent.Packets, st.Sent.Bytes)
	r.packets("received", st.Received.Packets, st.Received.Bytes)
	r.packets("own-sent", st.LocalSent.Packets, st.LocalSent.Bytes)
	r.packets("own-received", st.LocalReceived.Packets, st.LocalReceived.Bytes)
	origin := d.Origin()
	r.drop("ttl", st.DropTTL.Packets)
	r.drop("no-route", st.DropNoRoute.Packets+origin.DropNoRoute.Packets)
	r.drop("write", st.DropWrite.Packets)
	r.drop("size", st.DropMTU.Packets)
	r.drop("short", st.DropShort.Packets)
	r.drop("unknown", st.DropUnknown.Packets)
	a := p.FA().Stats()
	r.add("requests_total", "received", a.Requests)
	r.add("requests_total", "answered", a.Replies)
	r.add("requests_total", "repeated", a.Repeated)
	r.add("requests_total", "refused", a.NotAdmitted)
	r.add("requests_total", "overload", a.Overload)
	r.add("requests_total", "malformed", a.BadMessage)
	r.drop("no-flow", a.UnknownFlow)
	for _, c := range p.Control() {
		r.add("control_packets_total", c.Kind, c.Packets)
		r.add("control_bytes_total", c.Kind, c.Bytes)
	}
}

func (r *reader) broadcast(p *broadcast.IPCP) {
	st, alone := p.Stats()
	r.packets("sent", st.Sent.Packets, st.Sent.Bytes)
	r.packets("received", st.Received.Packets, st.Received.Bytes)
	r.packets("nobody-else", alone.Packets, alone.Bytes)
	r.drop("queue", st.DropQueue.Packets)
	r.drop("write", st.DropWrite.Packets)
	r.drop("size", st.DropSize.Packets)
	r.drop("blocked", st.DropBlocked.Packets)
	r.drop("guard", st.DropGuard.Packets)
}

// counters sums samples over the IPCPs, for operators: those of one metric and label become one counter.
func counters(all []sample) []control.Counter {
	var out []control.Counter
	at := map[string]int{}
	for _, x := range all {
		name := x.metric
		if x.label != "" {
			name = fmt.Sprintf("%s.%s", x.metric, x.label)
		}
		i, known := at[name]
		if !known {
			i = len(out)
			at[name] = i
			out = append(out, control.Counter{Name: name})
		}
		out[i].Value += int64(x.value)
	}
	return out
}

// layerOf returns the name of the layer of an IPCP, "" if it is in none.
func layerOf(m *member) core.Name {
	if m == nil || !m.in() {
		return ""
	}
	return m.layer().Name
}
