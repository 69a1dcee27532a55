package pff

import (
	"ouroboros/core"
	"ouroboros/core/policy"
)

func lfaFactory() policy.Factory[PFF] {
	return policy.Factory[PFF]{
		Name: "lfa",
		Doc:  "a next hop and loop-free alternates: changes over by itself when a flow goes down (spec 04 §7.2, RFC 5286)",
		New:  func(core.Env, any) (PFF, error) { return newLFA(), nil },
	}
}

// lfa is the policy "alternate" of spec 04 §7. The next hop of a destination is the first port of its list
// that is not down, or the first one if all are. So it depends on the table and on which ports are
// down, not on the order in which they went down; the prototype, which exchanges entries of the
// list, differs after two failures and one recovery. A replacement of the table keeps the ports that are
// down (D5).
type lfa struct {
	slots
	lists lists
	down  portSet
}

func newLFA() *lfa {
	l := &lfa{}
	l.reset(0)
	return l
}

// Wants asks for alternates.
func (l *lfa) Wants() Want { return WantAlternates }

func (l *lfa) Next(dst uint64, _ uint32) Port { return l.find(dst).port }

func (l *lfa) Replace(routes []Route) {
	l.reset(len(routes))
	l.lists = l.lists[:0]
	for i := range routes {
		if e := l.add(&routes[i]); e != nil {
			e.list = l.lists.add(routes[i].Ports)
			e.port = l.choose(routes[i].Ports)
		}
	}
}

// choose returns the port of a list to use.
func (l *lfa) choose(ports []Port) Port {
	for _, p := range ports {
		if !l.down.has(p) {
			return p
		}
	}
	return ports[0]
}

func (l *lfa) PortDown(p Port) { l.change(p, true) }

func (l *lfa) PortUp(p Port) { l.change(p, false) }

func (l *lfa) change(p Port, down bool) {
	if !l.down.set(p, down) {
		return
	}
	for i := range l.slots.slots {
		if e := &l.slots.slots[i]; e.dst != 0 {
			e.port = l.choose(l.lists.at(e.list))
		}
	}
}

// Routes hands out the lists in their order of preference, whichever port is in use.
func (l *lfa) Routes(yield func(dst uint64, ports []Port)) {
	for _, e := range l.sorted() {
		yield(e.dst, l.lists.at(e.list))
	}
}
