package node

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/sim"
)

// deafIPCP enrolls for ever.
type deafIPCP struct {
	ipcp
	done func(error)
}

func (d *deafIPCP) enroll(_ *Member, _, _ core.Name, done func(error)) (cancel func()) {
	d.done = done
	return func() {}
}

// TestLateAnswersOfAnEnrollmentCountForNothing: what was on its way when the member left, or its node was killed,
// does not bring it back.
func TestLateAnswersOfAnEnrollmentCountForNothing(t *testing.T) {
	w := sim.New(1)
	defer w.Close()
	n := &Network{scenario: new(scenarios.Scenario), World: w}
	l := &Layer{Name: "net", net: n}
	member := func(name string) *Member {
		s := &System{Name: name, net: n}
		s.start(w.Node(name))
		return &Member{Layer: l, System: s}
	}
	peer, m := member("a"), member("b")
	fake := &deafIPCP{}
	peer.state, m.state, m.ipcp = inLayer, seeking, fake
	p := &pair{a: peer, b: m, lower: "wire"}
	peer.pairs, m.pairs = []*pair{p}, []*pair{p}
	m.retry = m.System.Env.NewTimer(m.seek)
	m.seek()
	if n.Connecting() != 1 || m.state != enrolling {
		t.Fatalf("%d connecting, state %d", n.Connecting(), m.state)
	}
	late := fake.done
	m.lost()
	for _, err := range []error{core.ErrTimedOut, nil} {
		late(err)
		if err := w.Run(core.Time(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if n.Connecting() != 0 || m.state != outside {
			t.Errorf("%d connecting, state %d; want 0, %d", n.Connecting(), m.state, outside)
		}
	}
}
