package unicast

import (
	"fmt"
	"io"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/rib"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/dt"
	"ouroboros/ipcp/unicast/fa"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/routing"
)

// RIB returns the management tree of this IPCP (spec 02 §10, 03 §8, 04 §8, 05 §9, 06 §7). N-1 flows are
// numbered from 64, as in the prototype, and all are listed (D7). Files that the prototype does not have
// show what results are made of. Before the IPCP is operational there is "info" alone.
func (i *IPCP) RIB() rib.Node {
	entries := []rib.Entry{rib.Info(i.life.State().String(), i.layer.Info)}
	if p := i.parts; p != nil {
		v := view{i, p, rib.NewClock(i.env)}
		entries = append(
			entries,
			rib.Entry{Name: "dt." + v.addr(i.address), Node: rib.Dir(v.ports)},
			rib.Entry{Name: "flow-allocator", Node: rib.Dir(v.flows)},
			rib.Entry{Name: "lsdb", Node: rib.Dir(v.lsdb)},
			rib.Entry{Name: "routing", Node: rib.Fixed(
				rib.Entry{Name: "stats", Node: rib.File(v.routing)},
				rib.Entry{Name: "table", Node: rib.File(v.table)},
			)},
			v.directory(),
		)
	}
	return rib.Fixed(append(
		entries,
		rib.Entry{Name: "enrollment", Node: rib.Fixed(rib.Entry{Name: "stats", Node: rib.File(i.writeEnrollment)})},
		rib.Entry{Name: "control", Node: rib.File(i.writeControl)},
	)...)
}

// view shows the components of an operational IPCP.
type view struct {
	*IPCP
	*parts
	clock rib.Clock
}

// addr returns the text of an address of the layer, in the bytes that travel.
func (v view) addr(a uint64) string { return rib.Addr(a, v.layer.Header.Addr) }

// portLine is what the data transfer component says of one N-1 flow.
type portLine struct {
	port   pff.Port
	peer   uint64
	st     dt.Stats
	queued int
}

// ports hands out the N-1 flows, then what starts or ends at this member, and what N-1 flows that are gone
// have counted.
func (v view) ports(yield func(string, rib.Node) bool) {
	var lines []portLine
	v.dt.Ports(func(p pff.Port, peer uint64, st dt.Stats, queued int) {
		lines = append(lines, portLine{p, peer, st, queued})
	})
	for _, l := range lines {
		if !yield(rib.Number(uint64(l.port)+dt.FirstFlow), rib.File(func(w io.Writer) { v.writePort(w, l) })) {
			return
		}
	}
	origin := rib.File(func(w io.Writer) { writeTransfer(w, v.dt.Origin()) })
	gone := rib.File(func(w io.Writer) { writeTransfer(w, v.dt.Gone()) })
	_ = yield("origin", origin) && yield("gone", gone)
}

// writePort prints one N-1 flow (spec 02 §10.3). A member has no queue of its own for what it receives.
func (v view) writePort(w io.Writer, l portLine) {
	for _, c := range v.conns {
		if c.mgmt == nil && c.port == l.port {
			rib.Value(w, "Flow established at:", v.clock.At(c.since))
		}
	}
	rib.Value(w, "Endpoint address:", v.addr(l.peer))
	rib.Value(w, "Queued packets (rx):", 0)
	rib.Value(w, "Queued packets (tx):", l.queued)
	writeTransfer(w, l.st)
}

// writeTransfer prints the counters of spec 02 §10.3, of all cubes together, and ours behind them.
func writeTransfer(w io.Writer, s dt.Stats) {
	for _, c := range []struct {
		label string
		c     dt.Counter
	}{
		{"sent", s.Sent},
		{"rcvd", s.Received},
		{"local sent", s.LocalSent},
		{"local rcvd", s.LocalReceived},
		{"dropped ttl", s.DropTTL},
		{"failed writes", s.DropWrite},
		{"failed nhop", s.DropNoRoute},
		{"dropped short", s.DropShort},
		{"dropped unknown", s.DropUnknown},
		{"dropped mtu", s.DropMTU},
	} {
		rib.Counter(w, " "+c.label, c.c.Packets, c.c.Bytes)
	}
}

// flows hands out the flows by number, then the counters of the flow allocator.
func (v view) flows(yield func(string, rib.Node) bool) {
	var flows []fa.FlowInfo
	v.fa.Flows(func(f fa.FlowInfo) { flows = append(flows, f) })
	for _, f := range flows {
		if !yield(rib.Number(f.Number), rib.File(func(w io.Writer) { v.writeFlow(w, f) })) {
			return
		}
	}
	yield("stats", rib.File(v.allocation))
}

// writeFlow prints one flow (spec 03 §8) and its congestion context (06 §7). Addresses and endpoint ids are
// decimal here.
func (v view) writeFlow(w io.Writer, f fa.FlowInfo) {
	rib.Value(w, "Flow established at:", v.clock.At(f.Since))
	rib.Value(w, "Remote address:", f.Remote)
	rib.Value(w, "Local endpoint ID:", f.EID)
	rib.Value(w, "Remote endpoint ID:", f.RemoteEID)
	rib.Counter(w, "Sent", f.Stats.Sent, f.Stats.SentBytes)
	rib.Value(w, "Send failed (packets):", f.Stats.SendFailed)
	rib.Counter(w, "Received", f.Stats.Received, f.Stats.ReceivedBytes)
	rib.Value(w, "Receive failed (packets):", f.Stats.ReceiveFailed)
	rib.Value(w, "Sent flow updates:", f.Stats.UpdatesSent)
	rib.Value(w, "Received flow updates:", f.Stats.UpdatesReceived)
	writeCongestion(w, f.Congestion)
	rib.Value(w, "Cube:", uint8(f.Cube))
	rib.Value(w, "Queued packets (tx):", f.Queued)
	rib.Value(w, "Paused (ns):", f.Stats.Paused.Nanoseconds())
	rib.Value(w, "Shaped (ns):", f.Stats.Shaped.Nanoseconds())
	rib.Value(w, "Policed (packets):", f.Stats.Policed)
}

// writeCongestion prints a congestion context. What a policy does not have is 0.
func writeCongestion(w io.Writer, s ca.Snapshot) {
	rib.Value(w, "Congestion avoidance:", s.Algorithm)
	rib.Value(w, "Upstream level:", s.Upstream)
	rib.Value(w, "Upstream packet counter:", s.UpPackets)
	rib.Value(w, "Downstream level:", s.Downstream)
	rib.Value(w, "Downstr. packet counter:", s.DownPackets)
	rib.Value(w, "Window size (ns):", s.Window.Nanoseconds())
	rib.Value(w, "Packets in this window:", s.Packets)
	rib.Value(w, "Bytes in this window:", s.Bytes)
	rib.Value(w, "Max bytes in this window:", s.Limit)
	rib.Value(w, "Regime:", s.Regime)
}

// allocation prints the counters of the flow allocator.
func (v view) allocation(w io.Writer) {
	s := v.fa.Stats()
	values(
		w,
		value{"Requests received:", s.Requests},
		value{"Replies received:", s.Replies},
		value{"Updates received:", s.Updates},
		value{"Requests repeated:", s.Repeated},
		value{"Requests sent again:", s.Retries},
		value{"Addresses given up:", s.Unanswered},
		value{"Not admitted:", s.NotAdmitted},
		value{"Bad messages:", s.BadMessage},
		value{"Unknown flows:", s.UnknownFlow},
		value{"Overload:", s.Overload},
	)
}

// value is one line of counters.
type value struct {
	label string
	n     uint64
}

func values(w io.Writer, lines ...value) {
	for _, l := range lines {
		rib.Value(w, l.label, l.n)
	}
}

// lsdb hands out the link state database in its order, then the neighbours as empty files (spec 04 §8).
func (v view) lsdb(yield func(string, rib.Node) bool) {
	var adjacencies []routing.Adjacency
	v.router.policy.Database(func(a routing.Adjacency) { adjacencies = append(adjacencies, a) })
	for _, a := range adjacencies {
		if !yield(v.addr(a.Src)+"--"+v.addr(a.Dst), rib.File(func(w io.Writer) { v.writeAdjacency(w, a) })) {
			return
		}
	}
	for _, name := range v.neighbours() {
		if !yield(name, rib.File(func(io.Writer) {})) {
			return
		}
	}
}

// neighbours returns the names of the neighbours' files: one for each kind and address, also while one
// connection replaces another.
func (v view) neighbours() (names []string) {
	seen := map[string]bool{}
	v.router.policy.Neighbours(func(kind routing.Kind, addr uint64, _ routing.Port) {
		if name := "." + kind.String() + " " + v.addr(addr); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	})
	return names
}

// writeAdjacency prints an entry of the database: the four lines of spec 04 §8 and two of our own.
func (v view) writeAdjacency(w io.Writer, a routing.Adjacency) {
	rib.Value(w, "src:", v.addr(a.Src))
	rib.Value(w, "dst:", v.addr(a.Dst))
	rib.Value(w, "seqno:", a.Seq)
	rib.Value(w, "upd time:", v.clock.At(a.Updated))
	rib.Value(w, "cost:", a.Cost)
	rib.Value(w, "withdrawn:", a.Withdrawn)
}

// routing prints the counters of the routing policy and of its management flows.
func (v view) routing(w io.Writer) {
	s := v.router.policy.Stats()
	values(
		w,
		value{"Sent (messages):", s.Sent},
		value{"Sent (bytes):", s.SentBytes},
		value{"Received (messages):", s.Received},
		value{"Duplicates:", s.Duplicates},
		value{"Invalid:", s.Invalid},
		value{"Stale:", s.Stale},
		value{"Ahead:", s.Ahead},
		value{"Full:", s.Full},
		value{"Timed out:", s.TimedOut},
		value{"Lost at management flows:", v.router.lost},
		value{"Computations:", s.Computations},
		value{"Computations anew:", s.Scratch},
		value{"Tables installed:", s.Installs},
		value{"Address conflicts:", uint64(v.conflicts)},
	)
}

// table prints the forwarding table: a line for each destination with the numbers of its N-1 flows.
func (v view) table(w io.Writer) {
	v.router.table.Routes(func(dst uint64, ports []pff.Port) {
		fmt.Fprint(w, v.addr(dst))
		for _, p := range ports {
			fmt.Fprint(w, " ", rib.Number(uint64(p)+dt.FirstFlow))
		}
		fmt.Fprintln(w)
	})
}

// directory returns the directory "dht" (spec 05 §9), or "directory" with the names that this member has
// registered under a policy that can tell.
func (v view) directory() rib.Entry {
	switch d := v.dir.Directory.(type) {
	case *dir.DHT:
		return rib.Entry{Name: "dht", Node: rib.Fixed(
			rib.Entry{Name: "stats", Node: rib.File(func(w io.Writer) { v.writeDHT(w, d) })},
			rib.Entry{Name: "database", Node: rib.File(func(w io.Writer) { v.writeDatabase(w, d) })},
			rib.Entry{Name: "contacts", Node: rib.File(func(w io.Writer) { v.writeContacts(w, d) })},
		)}
	case interface{ Registered(yield func(core.Hash)) }:
		return rib.Entry{Name: "directory", Node: rib.Fixed(rib.Entry{Name: "names", Node: rib.File(func(w io.Writer) {
			d.Registered(func(h core.Hash) { fmt.Fprintln(w, h) })
		})})}
	}
	return rib.Entry{Name: "directory", Node: rib.Fixed()}
}

// writeDHT prints the state and the counters of the DHT.
func (v view) writeDHT(w io.Writer, d *dir.DHT) {
	s := d.Stats()
	rib.Value(w, "DHT ID:", prefix(d.ID()))
	rib.Value(w, "Address:", v.addr(v.address))
	values(
		w,
		value{"Number of keys:", uint64(s.Keys)},
		value{"Number of local values:", uint64(s.Registrations)},
		value{"Non-local values:", uint64(s.Values)},
		value{"Contacts:", uint64(s.Contacts)},
		value{"Lookups under way:", uint64(s.Pending)},
		value{"Queries:", s.Queries},
		value{"Queries from cache:", s.Cached},
		value{"Queries from own values:", s.Local},
		value{"Queries found:", s.Found},
		value{"Queries not found:", s.NotFound},
		value{"Queries given up:", s.Gone},
		value{"Queries canceled:", s.Canceled},
		value{"Lookups:", s.Lookups},
		value{"Lookups begun again:", s.Rounds},
		value{"Time-outs:", s.TimeOuts},
		value{"Responses repeated:", s.Repeated},
		value{"Bad contacts:", s.BadTold},
		value{"Lost, no way:", v.dir.lost},
	)
	for c := range dir.NumCodes {
		rib.Value(w, "sent "+c.String()+":", s.Sent[c])
		rib.Value(w, "rcvd "+c.String()+":", s.Received[c])
	}
	for k := range dir.NumInvalid {
		rib.Value(w, "invalid "+k.String()+":", s.Invalid[k])
	}
	for n, found := range s.Hops {
		rib.Value(w, fmt.Sprintf("found after %d:", n), found)
	}
}

// prefix returns the start of a digest, as much as tells members apart.
func prefix(h core.Hash) string { return h.String()[:min(16, 2*len(h))] }

// writeDatabase prints the values that this member has registered and that it holds for others (D12). The
// last line of a value says when it was replicated last, and when it expires.
func (v view) writeDatabase(w io.Writer, d *dir.DHT) {
	none := true
	d.Database(func(x dir.Value) {
		none = false
		kind, sent, expires := "non-local", "never", "never"
		if x.Local {
			kind = "local"
		}
		if x.Sent != 0 {
			sent = v.clock.At(x.Sent)
		}
		if x.Expires != 0 {
			expires = rib.Time(x.Expires * int64(time.Second))
		}
		fmt.Fprintf(w, "%s %-9s %s replicated %s expires %s\n", x.Key, kind, v.content(x), sent, expires)
	})
	if none {
		fmt.Fprintln(w, "No entries.")
	}
}

// content returns the address that a value is, or its bytes.
func (v view) content(x dir.Value) string {
	if a := x.Address(); a != 0 {
		return v.addr(a)
	}
	return core.Hash(x.Data).String()
}

// writeContacts prints the contact table, a line for each.
func (v view) writeContacts(w io.Writer, d *dir.DHT) {
	d.Contacts(func(c dir.Contact) {
		seen, place := "never", "bucket"
		if c.Seen != 0 {
			seen = v.clock.At(c.Seen)
		}
		if c.Spare {
			place = "spare"
		}
		fmt.Fprintf(w, "%s %s %-6s %3d seen %s failures %d\n", prefix(c.ID), v.addr(c.Address), place, c.Bucket, seen, c.Failures)
	})
}

// writeEnrollment prints the counters of enrollment.
func (i *IPCP) writeEnrollment(w io.Writer) {
	s := i.Enrollment()
	values(
		w,
		value{"Enrolled:", s.Enrolled},
		value{"Failed:", s.Failed},
		value{"Incomplete:", s.Incomplete},
		value{"Bad messages:", s.BadMessage},
		value{"Overload:", s.Overload},
		value{"Acks with another id:", s.OtherID},
		value{"Clock far from member's:", s.Clocks},
	)
}

// writeControl prints what this IPCP has sent to manage its layer, by kind.
func (i *IPCP) writeControl(w io.Writer) {
	for _, c := range i.Control() {
		rib.Counter(w, c.Kind, c.Packets, c.Bytes)
	}
}
