package unicast_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp"
	"ouroboros/ipcp/unicast"
)

// promising gives a layer an MTU.
func promising(mtu int) func(unicast.Catalog, *unicast.Layer) {
	return func(_ unicast.Catalog, l *unicast.Layer) { l.MTU = mtu }
}

// TestLayerMTU: every member tells its users the MTU of the layer, which it has from its enrollment, and takes
// no longer packet, though its wires would.
func TestLayerMTU(t *testing.T) {
	l, w := simLine(t, 2, options{enroll: true, spec: core.LinkSpec{MTU: 1500}, layer: promising(1200)})
	l.envs[1].Post(func() {
		l.enroll(1, 0, func(err error) {
			check(t, err)
			l.connect(1, 0)
		})
	})
	run(t, w, 2*time.Second)
	if got := l.members[1].Configuration().MTU; l.up != 1 || got != 1200 {
		t.Fatalf("the newcomer has an MTU of %d, %d connections, %v", got, l.up, l.failed)
	}
	a, b := l.flow(0, 1, core.QoSRaw, "service")
	for _, f := range []core.Flow{a, b} {
		if f.Info().MTU != 1200 {
			t.Errorf("MTU %d, want 1200", f.Info().MTU)
		}
	}
	if err := a.Write(l.envs[0].Pool.Get(64, 1201)); !errors.Is(err, core.ErrMsgSize) {
		t.Errorf("1201 bytes: %v", err)
	}
	if err := a.Write(l.envs[0].Pool.Get(64, 1200)); err != nil {
		t.Errorf("1200 bytes: %v", err)
	}
}

// TestFlowsTooShortForTheLayer: no member connects over a flow that does not take the packets that the layer
// promises. The side that asks says so at once; one that is asked refuses. Management is not bound to it.
func TestFlowsTooShortForTheLayer(t *testing.T) {
	for name, tc := range map[string]struct {
		mtu  [2]int // of the layer as each member knows it
		want error  // nil: they connect
	}{
		"just enough":        {[2]int{981, 981}, nil},
		"too short for both": {[2]int{982, 982}, unicast.ErrMTU},
		"for the other":      {[2]int{0, 982}, ipcp.ErrCEPRefused},
	} {
		n := 0
		l, w := simLine(t, 2, options{kind: core.LinkEthernet, alone: true, spec: core.LinkSpec{MTU: 1000}, layer: func(_ unicast.Catalog, l *unicast.Layer) {
			l.MTU = tc.mtu[n%2]
			n++
		}})
		l.connect(0, 1)
		run(t, w, time.Second)
		var got error
		for _, err := range l.failed {
			got = err
		}
		if !errors.Is(got, tc.want) || (got == nil) != (l.up == 1) {
			t.Errorf("%s: %v, %d connections, want %v", name, got, l.up, tc.want)
		}
		if errors.Is(tc.want, unicast.ErrMTU) && !strings.Contains(got.Error(), "981 bytes, the mtu of the layer is 982") {
			t.Errorf("%s: %v does not say how short", name, got)
		}
		if peers := ports(l.members[1]); (tc.want == nil) != (len(peers) == 1) {
			t.Errorf("%s: neighbours of the other side: %v", name, peers)
		}
	}
}

// TestMTUIsChecked: of a layer that is made, an impossible one is an error that names it.
func TestMTUIsChecked(t *testing.T) {
	l, _ := simLine(t, 1, options{})
	for _, mtu := range []int{-1, 1 << 31} {
		c := l.config()
		c.MTU = mtu
		m, err := unicast.New(l.envs[0].Derive("other"), l.brokers[0], unicast.Config{Name: "other", Catalog: l.catalog})
		check(t, err)
		if err := m.Bootstrap(c, 0); err == nil || !strings.Contains(err.Error(), "mtu") {
			t.Errorf("mtu %d: %v", mtu, err)
		}
	}
}
