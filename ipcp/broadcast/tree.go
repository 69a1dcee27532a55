package broadcast

import (
	"fmt"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
)

// The tree protocol chooses from the connections between members those that carry data, so that they form
// a tree: a broadcast layer has neither header nor TTL, and a packet in a cycle would circulate for ever
// (spec 02 §11.2).
//
// Every member has a label: (root, seq, distance). Roots are random identities of 64 bits; the smallest
// wins. The root gives out a new seq with every hello, and distance counts the hops that seq has come.
// Labels are ordered: a smaller root, then a larger seq, then a smaller distance is less. A member that
// hears of a better root chooses who told it as its parent, asks to be its child (join), and stays with it
// for as long as it lives. Data passes over a connection while both of its ends have agreed that one is the
// parent of the other.
//
// Why there is no loop, at any instant and whatever messages are lost: on each connection that both ends
// have agreed on, the label of the parent is less than that of the child, and round a cycle labels cannot
// only fall. This holds because
//
//   - a parent honours a join only if its label is less than the one that came with it, and it stops to
//     honour all joins, for good, before it takes a larger label (a join has an epoch; the floor says
//     which epochs are over);
//   - a child does not take a smaller label after its join, but one above a label that its parent has
//     told while it honoured the join: from then on that of the parent only falls, or the parent no longer
//     honours it;
//   - a connection leads in one direction at a time: a member honours a join only where it wants no parent
//     and none of its own joins is, or will ever be, honoured at the other end, as the floor there says.
//
// Why a tree is found again: who loses its parent is adrift, with all that hang on it. Each of them takes
// another neighbour that is not adrift and has a label less than its own, at once if there is one, else with
// the next seq of the root, which can come only from outside. When no seq has come for a while the root is
// gone: the member becomes its own root, and will believe in the old one only with a later seq, so that
// rumours of it die out.
//
// The ideas are those of feasible labels in distance-vector routing (Garcia-Luna-Aceves: Loop-free routing
// using diffusing computations, 1993; Perkins, Bhagwat: DSDV, 1994; Chroboczek: the Babel protocol) with
// the handshake of rapid spanning trees (IEEE 802.1w) to open a connection.

// Port is a connection to another member that speaks the protocol, as the tree numbers them, from 0.
type Port int

// noPort is the parent of who has none.
const noPort Port = -1

// TreeConfig are the parameters of the protocol.
type TreeConfig struct {
	// Hello is the time between two messages to a neighbour, and between two numbers of the root: 10 ms to
	// 10 s, 0 = 1 s. A neighbour or a root that is silent for 3.5 times as long is gone. Members with
	// different values work together as long as no value is 3 times another.
	Hello time.Duration
}

// DefaultHello is the time between two messages unless the configuration says otherwise.
const DefaultHello = time.Second

// Validate reports what is wrong with the configuration.
func (c TreeConfig) Validate() error {
	if c.Hello != 0 && (c.Hello < 10*time.Millisecond || c.Hello > 10*time.Second) {
		return fmt.Errorf("broadcast: hello %v, accepted are 10ms to 10s, 0 for %v", c.Hello, DefaultHello)
	}
	return nil
}

// TreeStats are the counters of the protocol.
type TreeStats struct {
	Sent, Received uint64 // messages
	Invalid        uint64 // of another length or version
	Outdated       uint64 // overtaken by a later message
	Joins          uint64 // parents chosen
	Orphaned       uint64 // parents lost
	Raised         uint64 // times that the root was gone
}

// Tree is the machine of the protocol at one member: without clock and flows. Its owner hands it what
// happens, calls Tick when Deadline has come, and after each call that takes the time sends what Out
// returns and asks Forwards which connections carry data.
type Tree struct {
	id     uint64
	hello  time.Duration
	silent time.Duration // after which a neighbour or a root is gone

	label  label
	origin core.Time // when the root gave out label.seq, as far as its age has told
	seq    uint32    // last given out by this member as a root
	beat   core.Time // when the next one is due
	parent Port
	adrift bool // the way to the root is broken, here or above
	ports  []*neighbour
	known  memory
	st     TreeStats
	sends  []Message
	buf    []byte
}

// Message is a message of the protocol to send on a port.
type Message struct {
	Port Port
	SDU  []byte
}

// NewTree returns the machine of a member with the given random identity, which starts as a root.
func NewTree(now core.Time, id uint64, cfg TreeConfig) *Tree {
	if cfg.Hello == 0 {
		cfg.Hello = DefaultHello
	}
	t := &Tree{id: id, hello: cfg.Hello, silent: 7 * cfg.Hello / 2, parent: noPort}
	t.rise(now)
	return t
}

// Add takes up a connection. It carries no data until both ends have agreed.
func (t *Tree) Add(now core.Time) Port {
	n := &neighbour{up: true, dirty: true}
	p := Port(len(t.ports))
	for i, x := range t.ports {
		if x == nil {
			p = Port(i)
			break
		}
	}
	if int(p) == len(t.ports) {
		t.ports = append(t.ports, nil)
	}
	t.ports[p] = n
	t.flush(now)
	return p
}

// Remove gives a connection up, and tells the neighbour so. An unknown port is ignored.
func (t *Tree) Remove(now core.Time, p Port) {
	n := t.at(p)
	if n == nil {
		return
	}
	t.lose(p, n)
	if n.up && !n.left {
		t.tell(now, p, n, true)
	}
	t.ports[p] = nil
	t.choose(now)
	t.flush(now)
}

// SetUp tells that the flow of a connection went down or came up.
func (t *Tree) SetUp(now core.Time, p Port, up bool) {
	n := t.at(p)
	if n == nil || n.up == up {
		return
	}
	if n.up = up; up {
		n.dirty = true
	} else {
		t.lose(p, n)
	}
	t.choose(now)
	t.flush(now)
}

// at returns the neighbour at a port, nil if there is none.
func (t *Tree) at(p Port) *neighbour {
	if p < 0 || int(p) >= len(t.ports) {
		return nil
	}
	return t.ports[p]
}

// Recv takes a message from a port. sdu is valid during the call.
func (t *Tree) Recv(now core.Time, p Port, sdu []byte) {
	n := t.at(p)
	if n == nil || !n.up {
		return
	}
	t.st.Received++
	m, ok := parseMessage(sdu)
	switch {
	case !ok:
		t.st.Invalid++
		return
	case int32(m.number-n.received) <= 0 && n.received != 0:
		t.st.Outdated++
		return
	}
	n.received = m.number
	if n.left = m.leaving; m.leaving {
		t.lose(p, n)
	} else {
		n.heard, n.lastHeard = true, now
		n.adrift = m.adrift
		n.label, n.origin = m.label, now.Add(-time.Duration(m.age)*time.Millisecond)
		t.answered(p, n, m)
		t.choose(now)
		t.joined(p, n, m)
	}
	t.choose(now)
	t.flush(now)
}

// unanswered gives up a parent that has been asked for so long that it cannot have heard.
func (t *Tree) unanswered(now core.Time) {
	if t.parent == noPort {
		return
	}
	if n := t.ports[t.parent]; !n.acked && now.Sub(n.asked) >= t.silent {
		n.shunned = now.Add(4 * t.silent)
		t.orphan()
	}
}

// Tick does what is due at now.
func (t *Tree) Tick(now core.Time) {
	t.unanswered(now)
	for i, n := range t.ports {
		if n != nil && n.heard && now.Sub(n.lastHeard) >= t.silent {
			t.lose(Port(i), n)
		}
	}
	t.choose(now)
	if t.label.root == t.id && now >= t.beat {
		t.number(now)
	}
	t.flush(now)
}

// due returns when a neighbour has to be told something even if there is nothing new.
func (t *Tree) due(p Port, n *neighbour) core.Time {
	if t.parent == p && !n.acked {
		return min(n.lastSent.Add(t.hello/4), n.asked.Add(t.silent))
	}
	return n.lastSent.Add(t.hello)
}

// Deadline returns when Tick is due, clock.Never if it is not.
func (t *Tree) Deadline() core.Time {
	d := clock.Never
	for i, n := range t.ports {
		if n == nil || !n.up {
			continue
		}
		d = min(d, t.due(Port(i), n))
		if n.heard {
			d = min(d, n.lastHeard.Add(t.silent))
		}
	}
	if d == clock.Never {
		return d // alone
	}
	if t.label.root == t.id {
		return min(d, t.beat)
	}
	return min(d, t.origin.Add(t.silent))
}

// flush makes the messages for all neighbours that have to be told something.
func (t *Tree) flush(now core.Time) {
	for i, n := range t.ports {
		if n != nil && n.up && (n.dirty || now >= t.due(Port(i), n)) {
			t.tell(now, Port(i), n, false)
		}
	}
}

func (t *Tree) tell(now core.Time, p Port, n *neighbour, leaving bool) {
	n.dirty, n.lastSent = false, now
	n.sent++
	m := message{leaving: leaving, adrift: t.adrift, number: n.sent, label: t.label, join: n.epoch, wanted: t.parent == p, honoured: n.child, floor: n.floor}
	if t.label.root != t.id {
		m.age = uint16(min(now.Sub(t.origin)/time.Millisecond, 1<<16-1))
	}
	start := len(t.buf)
	t.buf = m.append(t.buf)
	t.sends = append(t.sends, Message{p, t.buf[start:]})
	t.st.Sent++
}

// Out returns the messages to send since the last call, in order. They are valid until the next call of a
// method other than Out.
func (t *Tree) Out() []Message {
	s := t.sends
	t.sends, t.buf = t.sends[:0], t.buf[:0]
	return s
}

// Forwards reports whether a port carries data, as far as this end is concerned.
func (t *Tree) Forwards(p Port) bool {
	n := t.at(p)
	return n != nil && n.up && n.heard && (n.child != 0 || t.parent == p && n.acked)
}

// Left reports whether the neighbour at a port has taken leave.
func (t *Tree) Left(p Port) bool {
	n := t.at(p)
	return n != nil && n.left
}

// Parent returns the port towards the root, and whether there is one.
func (t *Tree) Parent() (Port, bool) { return t.parent, t.parent != noPort }

// Root returns the identity of the root that this member knows, and the distance in hops to it.
func (t *Tree) Root() (id uint64, distance int) { return t.label.root, int(t.label.dist) }

// ID returns the identity of this member.
func (t *Tree) ID() uint64 { return t.id }

// Stats returns the counters so far.
func (t *Tree) Stats() TreeStats { return t.st }
