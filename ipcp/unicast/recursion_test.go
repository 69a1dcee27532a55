package unicast_test

import (
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/ipcp/unicast"
	"ouroboros/sim"
)

// floor is a layer over another one, with a member on some of the nodes of a line.
type floor struct {
	l       *line
	name    core.Name
	over    core.Name
	members map[int]*unicast.IPCP
}

func (f *floor) ipcp(node int) core.Name { return f.name + "." + name(node) }

// build makes the members: the first bootstraps, the others enroll with it one after the other and connect
// to it, over the layer below.
func (f *floor) build(t *testing.T, w *sim.World, nodes ...int) {
	t.Helper()
	f.members = map[int]*unicast.IPCP{}
	for k, node := range nodes {
		b, env := f.l.brokers[node], f.l.envs[node]
		m, err := unicast.New(env.Derive(string(f.name)), b, unicast.Config{Name: f.ipcp(node), Catalog: f.l.catalog})
		check(t, err)
		check(t, b.Register(f.ipcp(node), f.over))
		check(t, m.Serve())
		f.members[node] = m
		if k == 0 {
			c := f.l.config()
			c.Info.Name = f.name
			dht(f.l.catalog, &c)
			check(t, m.Bootstrap(c, 0))
			check(t, b.AddProvider(m))
			continue
		}
		first := f.ipcp(nodes[0])
		env.Post(func() {
			m.Enroll(first, f.over, k, func(err error) {
				check(t, err)
				check(t, b.AddProvider(m))
				m.Connect(first, f.over, unicast.ConnectOptions{}, func(err error) { check(t, err) })
			})
		})
		run(t, w, 5*time.Second)
	}
}

// TestLayersOverLayers: an IPCP uses flows as an application does, so a layer runs over any other. Three
// deep, each comes up by enrollment over the one below; the topmost has a way of two hops over a node that
// is no member of it.
func TestLayersOverLayers(t *testing.T) {
	l, w := simLine(t, 4, options{kind: core.LinkEthernet, enroll: true, layer: dht})
	for i := 1; i < 4; i++ {
		l.envs[i].Post(func() { l.enroll(i, i-1, func(err error) { check(t, err); l.connect(i, i-1) }) })
		run(t, w, time.Second)
	}
	mid := &floor{l: l, name: "mid", over: "net"}
	mid.build(t, w, 2, 0, 3)
	top := &floor{l: l, name: "top", over: "mid"}
	top.build(t, w, 0, 3)
	check(t, l.brokers[3].Register("sink", "top"))
	var a, b core.Flow
	_, err := l.brokers[3].Listen("sink", func(in core.Incoming) {
		var err error
		b, err = in.Accept()
		check(t, err)
	})
	check(t, err)
	l.envs[0].Post(func() {
		l.brokers[0].Alloc(core.Request{Name: "sink", Layer: "top", QoS: core.QoSRaw}, func(f core.Flow, err error) { check(t, err); a = f })
	})
	run(t, w, 5*time.Second)
	if a == nil || b == nil {
		t.Fatal("no flow in the topmost layer")
	}
	var to sink
	b.Attach(&to)
	before := mid.members[2].DT().Origin()
	sent := l.wires[2].Stats(0)
	check(t, a.Write(l.envs[0].Pool.Get(a.Info().Headroom, 100)))
	run(t, w, 100*time.Millisecond)
	if to.packets != 1 || to.bytes != 100 || mid.members[2].DT().Origin() != before {
		t.Errorf("%d packets of %d bytes arrived", to.packets, to.bytes)
	}
	const headers = 14 + 4 + 3*15 // Ethernet, shim, three layers
	if now := l.wires[2].Stats(0); now.SentPackets != sent.SentPackets+1 || now.SentBytes != sent.SentBytes+100+headers {
		t.Errorf("%d frames of together %d bytes on the last wire", now.SentPackets-sent.SentPackets, now.SentBytes-sent.SentBytes)
	}
	a.Close(0)
	b.Close(0)
	for _, f := range []*floor{top, mid} {
		for _, m := range []int{0, 2, 3} {
			if x := f.members[m]; x != nil {
				x.Leave()
			}
		}
	}
}
