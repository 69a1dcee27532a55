package host

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/irm"
	"ouroboros/core/pkt"
	"ouroboros/shim/eth"
)

// sink records what a flow delivers.
type sink struct {
	got    [][]byte
	states []bool
}

func (s *sink) Deliver(p *pkt.Buf) {
	s.got = append(s.got, bytes.Clone(p.Bytes()))
	p.Release()
}
func (s *sink) Writable()     {}
func (s *sink) State(up bool) { s.states = append(s.states, up) }
func (s *sink) Closed(error)  {}

// Spec 01 §3 and §4 on real interfaces: two shims find a name, allocate a flow and exchange SDUs of every
// length, the padding of short ones removed (§3.2); the flow goes down and up with the interface (§3.8).
func TestShimsOverNICs(t *testing.T) {
	for _, c := range []struct {
		kind string
		typ  uint16
		mtu  int
		mk   func(core.Env, core.Link) (core.Provider, error)
	}{
		{"eth-dix", 0xA123, 1496, func(env core.Env, l core.Link) (core.Provider, error) {
			return eth.New(env, l, eth.Config{Layer: "lan", EtherType: 0xA123, Hash: core.SHA3_256})
		}},
		{"eth-llc", 0, 1497, func(env core.Env, l core.Link) (core.Provider, error) {
			return eth.NewLLC(env, l, eth.Config{Layer: "lan", Hash: core.SHA3_256})
		}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			l := newLAN(t, c.typ, 1500)
			h := coretest.New(t, l.w)
			flow := establish(h, l, c.mk)
			if mtu := flow[0].Info().MTU; mtu != c.mtu {
				t.Errorf("MTU of the flow %d, want %d", mtu, c.mtu)
			}
			exchange(h, l, flow, []int{0, 1, 5, 42, 43, 1000, c.mtu})
			h.On(l.env[0], func() { flow[0].Close(0); flow[1].Close(0) })
			h.Released()
		})
	}
}

// establish makes a shim on each NIC and a flow from a to b.
func establish(h *coretest.Harness, l *lan, mk func(core.Env, core.Link) (core.Provider, error)) [2]core.Flow {
	var brokers [2]*irm.Broker
	for i, n := range l.nic {
		s, err := mk(l.env[i].Derive("shim"), n)
		l.must(err)
		brokers[i] = irm.New(l.env[i].Derive("irm"), irm.Config{})
		l.must(brokers[i].AddProvider(s))
	}
	return coretest.Establish(h, l.env, brokers[0], brokers[1], core.QoSRaw)
}

// exchange sends SDUs of the given lengths both ways, before and after the interface was down.
func exchange(h *coretest.Harness, l *lan, flow [2]core.Flow, lengths []int) {
	var sinks [2]*sink
	for i, f := range flow {
		sinks[i] = &sink{}
		h.On(l.env[i], func() { f.Attach(sinks[i]); f.SetReceive(true) })
	}
	for round := range 2 {
		for i, f := range flow {
			sinks[1-i].got = nil
			h.On(l.env[i], func() {
				for _, n := range lengths {
					p := l.w.pool.Get(f.Info().Headroom, n)
					copy(p.Bytes(), bytes.Repeat([]byte{byte(n)}, n))
					l.must(f.Write(p))
				}
			})
			h.Until("all SDUs arrive", func() bool { return len(sinks[1-i].got) == len(lengths) })
			for k, n := range lengths {
				if !bytes.Equal(sinks[1-i].got[k], bytes.Repeat([]byte{byte(n)}, n)) {
					l.t.Errorf("an SDU of %d bytes arrived as %d bytes, or others", n, len(sinks[1-i].got[k]))
				}
			}
		}
		if round == 1 {
			break
		}
		for _, s := range sinks {
			s.states = nil
		}
		l.must(l.ns[1].SetUp("eth0", false))
		h.Until("both ends see it", func() bool { return len(sinks[0].states) > 0 && len(sinks[1].states) > 0 })
		l.must(l.ns[1].SetUp("eth0", true))
		h.Until("both ends are up", func() bool { return len(sinks[0].states) > 1 && len(sinks[1].states) > 1 })
		for i, s := range sinks {
			if !slices.Equal(s.states, []bool{false, true}) {
				l.t.Errorf("end %d was told %v", i, s.states)
			}
		}
	}
	h.Advance(time.Millisecond)
}
