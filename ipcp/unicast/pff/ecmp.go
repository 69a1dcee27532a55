package pff

import (
	"ouroboros/core"
	"ouroboros/core/policy"
)

func ecmpFactory() policy.Factory[PFF] {
	return policy.Factory[PFF]{
		Name: "ecmp",
		Doc:  "spreads flows over equal-cost next hops by a hash, each flow over one of them (spec 04 §6.7, RFC 2992)",
		New:  func(env core.Env, _ any) (PFF, error) { return newECMP(seedOf(env.Path)), nil },
	}
}

// ecmp is the policy "multipath" of spec 04 §7, per flow where the prototype goes round robin per packet
// and so reorders (D10). Of N ports a flow uses the one with number
//
//	floor(N * mix(flow + seed) / 2^64)
//
// where mix is the finalizer of MurmurHash3, a bijection each bit of whose result depends on all bits
// of its argument, and seed comes from the path of the component: members that each hash by
// themselves do not all send the same half of the flows the same way. With F flows the share of a
// port has the standard deviation of a binomial draw, sqrt((1/N)(1−1/N)/F).
//
// While a port is down, its flows, and no others, go over those of the destination that are not, chosen
// by a second hash; when all are down they stay where they were. So the port of a flow never changes
// while neither the table nor the state of its own port does.
type ecmp struct {
	slots
	seed uint64
	// For each destination with more than one port: the list of all, and behind it a list of those that
	// are up, in the room of all.
	lists lists
	down  portSet
}

// many is the port of a slot whose ports stand in the lists.
const many Port = -2

func newECMP(seed uint64) *ecmp {
	m := &ecmp{seed: seed}
	m.reset(0)
	return m
}

// seedOf hashes the path of a component (FNV-1a).
func seedOf(path string) uint64 {
	h := uint64(0xCBF29CE484222325)
	for i := range len(path) {
		h = (h ^ uint64(path[i])) * 0x100000001B3
	}
	return h
}

// mix is the 64-bit finalizer of MurmurHash3 (A. Appleby, 2011, public domain).
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xFF51AFD7ED558CCD
	h = (h ^ h>>33) * 0xC4CEB9FE1A85EC53
	return h ^ h>>33
}

// share maps a hash to one of n numbers, all of which are as likely to within n/2^32.
func share(h uint64, n Port) uint32 { return uint32(h >> 32 * uint64(n) >> 32) }

// Wants asks for the ports of all shortest paths.
func (m *ecmp) Wants() Want { return WantEqual }

func (m *ecmp) Next(dst uint64, flow uint32) Port {
	e := m.find(dst)
	if e.port != many {
		return e.port
	}
	h := mix(uint64(flow) + m.seed)
	n := m.lists[e.list]
	p := m.lists[e.list+1+share(h, n)]
	if !m.down.has(p) {
		return p
	}
	up := e.list + 1 + uint32(n)
	if live := m.lists[up]; live > 0 {
		return m.lists[up+1+share(mix(h), live)]
	}
	return p
}

func (m *ecmp) Replace(routes []Route) {
	m.reset(len(routes))
	m.lists = m.lists[:0]
	for i := range routes {
		e := m.add(&routes[i])
		if e == nil {
			continue
		}
		ports := routes[i].Ports
		if len(ports) == 1 {
			e.port = ports[0]
			continue
		}
		e.port, e.list = many, m.lists.add(ports)
		m.lists.add(ports)
		m.refresh(e.list)
	}
}

// refresh brings the list of the ports that are up in line with that of all.
func (m *ecmp) refresh(list uint32) {
	all := m.lists.at(list)
	up := list + 1 + uint32(len(all))
	n := uint32(0)
	for _, p := range all {
		if !m.down.has(p) {
			n++
			m.lists[up+n] = p
		}
	}
	m.lists[up] = Port(n)
}

func (m *ecmp) PortDown(p Port) { m.change(p, true) }

func (m *ecmp) PortUp(p Port) { m.change(p, false) }

func (m *ecmp) change(p Port, down bool) {
	if !m.down.set(p, down) {
		return
	}
	for i := range m.slots.slots {
		if e := &m.slots.slots[i]; e.port == many {
			m.refresh(e.list)
		}
	}
}

func (m *ecmp) Routes(yield func(dst uint64, ports []Port)) {
	for _, e := range m.sorted() {
		if e.port == many {
			yield(e.dst, m.lists.at(e.list))
		} else {
			yield(e.dst, []Port{e.port})
		}
	}
}
