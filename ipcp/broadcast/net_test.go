package broadcast_test

import (
	"fmt"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/pkt"
	"ouroboros/ipcp/broadcast"
	"ouroboros/shim/eth"
	"ouroboros/sim"
)

// network is a broadcast layer "bc" over Ethernet wires between nodes n0, n1 and so on.
type network struct {
	t       testing.TB
	w       *sim.World
	envs    []core.Env
	brokers []*irm.Broker
	members []*broadcast.IPCP
	wires   []core.Wire
	failed  []error
	up      int
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// newNetwork makes members and wires them; every wire is an edge. Nobody is a member yet, and nobody
// connects. At the end all members leave, and nothing may be left.
func newNetwork(t testing.TB, n int, edges [][2]int, cfg func(i int) broadcast.Config) *network {
	t.Helper()
	b := &network{t: t, w: sim.New(1)}
	below := make([][]core.Name, n)
	for k, e := range edges {
		for _, i := range e {
			below[i] = append(below[i], wireName(k))
		}
	}
	for i := range n {
		env := b.w.Node(fmt.Sprintf("n%d", i))
		b.envs = append(b.envs, env)
		b.brokers = append(b.brokers, irm.New(env.Derive("irm"), irm.Config{
			Register: map[core.Name][]core.Name{name(i): below[i], "bc": below[i]},
		}))
	}
	for k, e := range edges {
		b.wire(k, e[0], e[1])
	}
	for i, env := range b.envs {
		c := broadcast.Config{}
		if cfg != nil {
			c = cfg(i)
		}
		c.Name = name(i)
		m, err := broadcast.New(env.Derive("bc"), b.brokers[i], c)
		check(t, err)
		b.members = append(b.members, m)
		env.Post(func() { check(t, m.Serve()) })
	}
	t.Cleanup(b.end)
	return b
}

func name(i int) core.Name     { return core.Name(fmt.Sprintf("bc.%d", i)) }
func wireName(k int) core.Name { return core.Name(fmt.Sprintf("w%d", k)) }

func (b *network) wire(k, x, y int) {
	w, err := b.w.Link(core.LinkSpec{Name: string(wireName(k)), Delay: 100 * time.Microsecond, Rate: 1e9}, b.envs[x], b.envs[y])
	check(b.t, err)
	b.wires = append(b.wires, w)
	ends := [2]core.Link{}
	ends[0], ends[1] = w.Ends()
	for side, i := range []int{x, y} {
		s, err := eth.New(b.envs[i].Derive("shim"), ends[side], eth.Config{Layer: wireName(k), Hash: core.SHA3_256})
		check(b.t, err)
		check(b.t, b.brokers[i].AddProvider(s))
	}
}

// shim makes the shim of a wire that stands alone.
func shim(t testing.TB, env core.Env, l core.Link) *eth.Shim {
	t.Helper()
	s, err := eth.New(env.Derive("shim"), l, eth.Config{Layer: "w0", Hash: core.SHA3_256})
	check(t, err)
	return s
}

// bootstrap makes all members of the layer at once and has the first node of each edge connect.
func (b *network) bootstrap(edges [][2]int) {
	b.t.Helper()
	for i, m := range b.members {
		check(b.t, m.Bootstrap("bc"))
		check(b.t, b.brokers[i].AddProvider(m))
	}
	for k, e := range edges {
		b.connect(e[0], e[1], wireName(k), broadcast.ConnectOptions{})
	}
	b.run(10 * time.Second)
	if b.up != len(edges) || len(b.failed) > 0 {
		b.t.Fatalf("%d connections of %d stand: %v", b.up, len(edges), b.failed)
	}
}

func (b *network) connect(from, to int, lower core.Name, o broadcast.ConnectOptions) {
	b.envs[from].Post(func() {
		b.members[from].Connect(name(to), lower, o, func(err error) {
			if err != nil {
				b.failed = append(b.failed, err)
				return
			}
			b.up++
		})
	})
}

func (b *network) run(d time.Duration) {
	b.t.Helper()
	check(b.t, b.w.Run(b.w.Now().Add(d)))
}

// end takes all members out and looks at what is left.
func (b *network) end() {
	for i, m := range b.members {
		b.envs[i].Post(m.Leave)
	}
	b.run(5 * time.Minute)
	if n := b.w.Pool().Live(); n != 0 {
		b.t.Errorf("%d packets were not released", n)
	}
	if n := b.w.Pending(); n != 0 {
		b.t.Errorf("%d events are still to come", n)
	}
	b.w.Close()
}

// join has a user join at a node, through its broker.
func (b *network) join(i int) (core.Flow, *listener) {
	b.t.Helper()
	l := &listener{}
	var flow core.Flow
	b.envs[i].Post(func() {
		b.brokers[i].Join("bc", func(f core.Flow, err error) {
			check(b.t, err)
			flow, l.flow = f, f
			f.Attach(l)
		})
	})
	b.run(time.Millisecond)
	return flow, l
}

// send writes a message at a node.
func (b *network) send(i int, f core.Flow, msg string) {
	b.t.Helper()
	b.envs[i].Post(func() {
		check(b.t, f.Write(b.envs[i].Pool.GetCopy(f.Info().Headroom, []byte(msg))))
	})
}

// listener records what a user hears.
type listener struct {
	flow      core.Flow
	heard     []string
	closed    error
	writables int
	onRoom    func()
}

func (l *listener) State(bool)       {}
func (l *listener) Closed(err error) { l.closed = err }

func (l *listener) Deliver(p *pkt.Buf) {
	l.heard = append(l.heard, string(p.Bytes()))
	p.Release()
}

func (l *listener) Writable() {
	l.writables++
	if l.onRoom != nil {
		l.onRoom()
	}
}

// ring and row are the edges of n nodes in a circle and in a row.
func ring(n int) (e [][2]int) {
	for i := range n {
		e = append(e, [2]int{i, (i + 1) % n})
	}
	return e
}

func row(n int) [][2]int { return ring(n)[:n-1] }
