package pff

import (
	"ouroboros/core"
	"ouroboros/core/policy"
)

func simpleFactory() policy.Factory[PFF] {
	return policy.Factory[PFF]{
		Name: "simple",
		Doc:  "one next hop per destination; takes no notice of flows that go down (spec 04 §7.2)",
		New:  func(core.Env, any) (PFF, error) { return newSimple(), nil },
	}
}

// simple keeps the first port of each route.
type simple struct{ slots }

func newSimple() *simple {
	s := &simple{}
	s.reset(0)
	return s
}

// Wants asks for one port per destination.
func (s *simple) Wants() Want { return WantFirst }

func (s *simple) Next(dst uint64, _ uint32) Port { return s.find(dst).port }

func (s *simple) Replace(routes []Route) {
	s.reset(len(routes))
	for i := range routes {
		if e := s.add(&routes[i]); e != nil {
			e.port = routes[i].Ports[0]
		}
	}
}

// PortDown does nothing: the policy has no other next hop to offer (spec 04 §7.3).
func (s *simple) PortDown(Port) {}

// PortUp does nothing, see PortDown.
func (s *simple) PortUp(Port) {}

func (s *simple) Routes(yield func(dst uint64, ports []Port)) {
	used := s.sorted()
	for i := range used {
		yield(used[i].dst, []Port{used[i].port})
	}
}
