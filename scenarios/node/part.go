package node

import (
	"slices"

	"ouroboros/core"
	"ouroboros/ipcp/unicast/dir"
)

// Part says which nodes of a network run here. The others are shadows: the whole network is assembled, but
// what a shadow would do by itself it does elsewhere, in a process of its own, and is told of here by Hear. A
// part tells the others what they must know of its own nodes.
type Part struct {
	// Here reports whether a node runs in this part.
	Here func(name string) bool
	// Apps reports whether the applications of a node run in this part, and Users is then what they ask for flows; nil
	// stands for the broker of the node, which runs here too.
	Apps  func(name string) bool
	Users core.Allocator
	// Tell is called with what the other parts must hear; nil if nobody listens.
	Tell func(News)
}

// News is what a part tells the others of a node of its own.
type News struct {
	Layer string `json:"layer"`
	Node  string `json:"node"`
	// In reports whether the node is in the layer now, and Addr its address there.
	In   bool   `json:"in"`
	Addr uint64 `json:"addr"`
	// Names are set for news of the directory policy static alone: what was registered or taken back at Addr.
	Names []Entry `json:"names,omitempty"`
}

// Entry is a change of the table of the directory policy static.
type Entry struct {
	Hash    []byte `json:"hash"` // a core.Hash
	Addr    uint64 `json:"addr"`
	Removed bool   `json:"removed,omitempty"`
}

// Here reports whether the node runs in this process, rather than being the shadow of one that runs elsewhere.
func (s *System) Here() bool { return s.net == nil || s.net.part == nil || s.net.part.Here(s.Name) }

// AppsHere reports whether the applications of the node run in this process.
func (s *System) AppsHere() bool { return s.net == nil || s.net.part == nil || s.net.part.Apps(s.Name) }

// Users returns what the applications of the node ask for flows.
func (s *System) Users() core.Allocator {
	if s.net != nil && s.net.part != nil && s.net.part.Users != nil {
		return s.net.part.Users
	}
	return s.Broker
}

// here reports whether the member runs in this process.
func (m *Member) here() bool { return m.System.Here() }

// tell has the other parts hear where a member stands.
func (m *Member) tell(in bool) {
	p := m.Layer.net.part
	if p == nil || p.Tell == nil || !m.here() {
		return
	}
	p.Tell(News{Layer: m.Layer.Name, Node: m.Name(), In: in, Addr: m.Address()})
}

// Address returns the address of the member in a unicast layer, 0 before it has one.
func (m *Member) Address() uint64 {
	switch {
	case m.Unicast == nil:
		return 0
	case m.here():
		return m.Unicast.Address()
	}
	return m.addr
}

// share has changes of the table of names told to the other parts.
func (l *Layer) share(names *dir.Names) {
	p := l.net.part
	if p == nil || p.Tell == nil {
		return
	}
	names.Changed = func(h core.Hash, addr uint64, added bool) {
		if l.hearing {
			return
		}
		p.Tell(News{Layer: l.Name, Names: []Entry{{Hash: []byte(h), Addr: addr, Removed: !added}}})
	}
}

// Hear takes what another part has told. It is called on the actor of the part.
func (n *Network) Hear(x News) {
	l := n.Layer(x.Layer)
	if l == nil {
		return
	}
	if len(x.Names) > 0 {
		l.learn(x.Names)
		return
	}
	s := n.System(x.Node)
	if s == nil || s.Here() {
		return
	}
	m := s.Member(l.Name)
	switch {
	case m == nil || !s.alive || m.In() == x.In && m.addr == x.Addr:
	case x.In:
		m.addr = x.Addr
		m.arrived()
	case m.In():
		m.lost()
		for _, p := range m.pairs {
			p.tidy(m)
		}
	}
}

// learn enters what others have registered under the directory policy static.
func (l *Layer) learn(names []Entry) {
	if l.names == nil {
		return
	}
	l.hearing = true
	defer func() { l.hearing = false }()
	for _, e := range names {
		if e.Removed {
			l.names.Remove(core.Hash(e.Hash), e.Addr)
		} else {
			l.names.Add(core.Hash(e.Hash), e.Addr)
		}
	}
}

// News returns all that another part that begins now must hear of this one.
func (n *Network) News() (out []News) {
	for _, l := range n.Layers {
		for _, m := range l.members {
			if m.here() && m.In() {
				out = append(out, News{Layer: l.Name, Node: m.Name(), In: true, Addr: m.Address()})
			}
		}
		if l.names == nil {
			continue
		}
		var own []Entry
		l.names.Each(func(h core.Hash, addr uint64) {
			if slices.ContainsFunc(l.members, func(m *Member) bool { return m.here() && m.Address() == addr }) {
				own = append(own, Entry{Hash: []byte(h), Addr: addr})
			}
		})
		if len(own) > 0 {
			out = append(out, News{Layer: l.Name, Names: own})
		}
	}
	return out
}
