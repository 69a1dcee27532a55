package broadcast

import (
	"fmt"
	"io"

	"ouroboros/ipcp/rib"
)

// RIB returns the management tree of this IPCP. The prototype has "info" alone (spec 02 §10); the others
// show what it has besides.
func (i *IPCP) RIB() rib.Node {
	entries := []rib.Entry{
		rib.Info(i.life.State().String(), i.layer),
		{Name: "flows", Node: rib.Dir(i.listPorts)},
		{Name: "stats", Node: rib.File(i.writeStats)},
	}
	if i.tree != nil {
		entries = append(entries, rib.Entry{Name: "tree", Node: rib.File(i.writeTree)})
	}
	return rib.Fixed(entries...)
}

// listPorts hands out the attached flows by number.
func (i *IPCP) listPorts(yield func(string, rib.Node) bool) {
	for _, p := range i.ports {
		if !yield(rib.Number(p.id()), rib.File(func(w io.Writer) { i.writePort(w, p) })) {
			return
		}
	}
}

func (i *IPCP) writePort(w io.Writer, p port) {
	clock := rib.NewClock(i.env)
	switch p := p.(type) {
	case *connection:
		rib.Value(w, "Flow established at:", clock.At(p.since))
		rib.Value(w, "Kind:", "connection")
		if p.wish != nil {
			rib.Value(w, "Peer:", p.wish.dst)
		}
		rib.Value(w, "State:", p.word())
		rib.Value(w, "Queued packets (tx):", p.queue.Len()+p.flow.Queued())
	case *user:
		rib.Value(w, "Flow established at:", clock.At(p.since))
		rib.Value(w, "Kind:", "joined")
		rib.Value(w, "Queued packets (rx):", p.queue.Len())
	}
	p.stats().write(w)
}

// word says what a connection is for.
func (d *connection) word() string {
	parent, has := noPort, false
	if d.control != nil {
		parent, has = d.i.tree.Parent()
	}
	switch {
	case d.down:
		return "down"
	case d.control == nil:
		return "unprotected"
	case !d.open():
		return "blocked"
	case has && parent == d.control.port:
		return "to the root"
	}
	return "from the root"
}

func (s *Stats) write(w io.Writer) {
	for _, c := range []struct {
		label string
		c     Counter
	}{
		{"sent", s.Sent},
		{"rcvd", s.Received},
		{"dropped queue", s.DropQueue},
		{"failed writes", s.DropWrite},
		{"dropped size", s.DropSize},
		{"dropped blocked", s.DropBlocked},
		{"dropped guard", s.DropGuard},
	} {
		rib.Counter(w, " "+c.label, c.c.Packets, c.c.Bytes)
	}
}

// writeStats prints the sums of all flows that are or were, and what was sent to manage the layer.
func (i *IPCP) writeStats(w io.Writer) {
	sum, alone := i.Stats()
	sum.write(w)
	rib.Counter(w, " nobody else", alone.Packets, alone.Bytes)
	rib.Counter(w, " connection", i.exchanges.Packets, i.exchanges.Bytes)
	rib.Counter(w, " enrollment", i.enrollments.Packets, i.enrollments.Bytes)
	rib.Counter(w, " tree", i.trees.Packets, i.trees.Bytes)
	st := i.registrar.Stats()
	rib.Value(w, " enrolled:", st.Enrolled)
	rib.Value(w, " enrollments failed:", st.Failed+st.Incomplete+st.BadMessage+st.Overload)
}

// writeTree prints what the tree protocol has come to.
func (i *IPCP) writeTree(w io.Writer) {
	t := i.tree
	root, distance := t.Root()
	rib.Value(w, "Member:", fmt.Sprintf("%016x", t.ID()))
	rib.Value(w, "Root:", fmt.Sprintf("%016x", root))
	rib.Value(w, "Distance:", distance)
	st := t.Stats()
	for _, v := range []struct {
		label string
		n     uint64
	}{
		{"Messages sent:", st.Sent},
		{"Messages received:", st.Received},
		{"Messages invalid:", st.Invalid},
		{"Messages outdated:", st.Outdated},
		{"Parents chosen:", st.Joins},
		{"Parents lost:", st.Orphaned},
		{"Roots lost:", st.Raised},
	} {
		rib.Value(w, v.label, v.n)
	}
}
