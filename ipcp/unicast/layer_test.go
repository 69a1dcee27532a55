package unicast_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/addr"
	"ouroboros/ipcp/unicast/ca"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/pff"
	"ouroboros/ipcp/unicast/routing"
	"ouroboros/ipcp/unicast/sched"
	"ouroboros/shim/direct"
	"ouroboros/shim/eth"
)

// options say what a layer under test is made of.
type options struct {
	kind       core.LinkKind // Ethernet: shim eth-dix, else direct
	congestion string        // default none
	queue      int           // of a flow
	header     wire.PCI
	routing    map[string]any
	qos        core.QoS // of the connections for data transfer; default raw
	spec       core.LinkSpec
}

// line is a unicast layer of nodes in a row: n0, n1 and so on.
type line struct {
	tb      testing.TB
	opts    options
	w       core.World
	envs    []core.Env
	brokers []*irm.Broker
	members []*unicast.IPCP
	wires   []core.Wire
	names   *dir.Names
	up      int // connections that stand
	failed  []error
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func (l *line) policies() (p unicast.Policies) {
	var err error
	if l.opts.congestion == "" {
		l.opts.congestion = "none"
	}
	p.Routing, err = routing.Policies().Choose("link-state", l.opts.routing)
	check(l.tb, err)
	p.Forwarding, err = pff.Policies().Choose("simple", nil)
	check(l.tb, err)
	p.Congestion, err = ca.Policies().Choose(l.opts.congestion, nil)
	check(l.tb, err)
	p.Directory, err = dir.Policies(l.names).Choose("static", nil)
	check(l.tb, err)
	p.Scheduler, err = sched.Policies().Choose("fifo", nil)
	check(l.tb, err)
	p.Addressing, err = addr.Policies().Choose("sequential", nil)
	check(l.tb, err)
	return p
}

// newLine wires the nodes and has neighbours connect. The layer comes up when time passes.
func newLine(tb testing.TB, w core.World, n int, o options) *line {
	tb.Helper()
	l := &line{tb: tb, opts: o, w: w, names: dir.NewNames()}
	pol := l.policies()
	for i := range n {
		env := w.Node(fmt.Sprintf("n%d", i))
		l.envs = append(l.envs, env)
		l.brokers = append(l.brokers, irm.New(env.Derive("irm"), irm.Config{}))
	}
	for i := range n - 1 {
		l.wire(i, i+1)
	}
	for i, env := range l.envs {
		m, err := unicast.New(env.Derive("net"), l.brokers[i], unicast.Config{
			Name: name(i), Layer: core.LayerInfo{Name: "net", Kind: core.KindUnicast, Hash: core.SHA3_256},
			Header: o.header, Queue: o.queue, Policies: pol,
		})
		check(tb, err)
		check(tb, m.Bootstrap(i))
		check(tb, l.brokers[i].AddProvider(m))
		l.members = append(l.members, m)
		env.Post(func() { l.serve(i) })
	}
	for i := range n - 1 {
		l.connect(i, i+1)
	}
	return l
}

func name(i int) core.Name { return core.Name(fmt.Sprintf("net.%d", i)) }

// wire makes a link between two nodes, a shim on each end, whose layer is named after it.
func (l *line) wire(a, b int) {
	spec := l.opts.spec
	spec.Name, spec.Kind = fmt.Sprintf("w%d", len(l.wires)), l.opts.kind
	w, err := l.w.Link(spec, l.envs[a], l.envs[b])
	check(l.tb, err)
	l.wires = append(l.wires, w)
	ea, eb := w.Ends()
	for i, e := range map[int]core.Link{a: ea, b: eb} {
		env, layer := l.envs[i].Derive("shim:"+spec.Name), core.Name(spec.Name)
		if spec.Kind == core.LinkEthernet {
			s, err := eth.New(env, e, eth.Config{Layer: layer, Hash: core.SHA3_256})
			check(l.tb, err)
			check(l.tb, l.brokers[i].AddProvider(s))
			continue
		}
		s, err := direct.New(env, e, direct.Config{Layer: layer, Hash: core.SHA3_256})
		check(l.tb, err)
		check(l.tb, l.brokers[i].AddProvider(s))
	}
}

// serve registers a member in the layers of its wires.
func (l *line) serve(i int) {
	var below []core.Name
	for k := range l.wires {
		if k == i || k == i-1 {
			below = append(below, core.Name(fmt.Sprintf("w%d", k)))
		}
	}
	check(l.tb, l.brokers[i].Register(name(i), below...))
	check(l.tb, l.members[i].Serve())
}

// connect has member a connect to its neighbour b.
func (l *line) connect(a, b int) {
	q := l.opts.qos
	if q == (core.QoS{}) {
		q = core.QoSRaw
	}
	l.envs[a].Post(func() {
		l.members[a].Connect(name(b), core.Name(fmt.Sprintf("w%d", min(a, b))), q, func(err error) {
			if err != nil {
				l.failed = append(l.failed, err)
				return
			}
			l.up++
		})
	})
}

// converged reports whether every member has a route to every other.
func (l *line) converged() bool {
	for i, m := range l.members {
		for k, o := range l.members {
			if i != k && m.Forwarding().Next(o.Address(), 0) == pff.None {
				return false
			}
		}
	}
	return true
}

// leave takes all members out of the layer.
func (l *line) leave() {
	for i, m := range l.members {
		l.envs[i].Post(m.Leave)
	}
}

// flow asks for a flow from one node to another and returns both ends when they stand.
func (l *line) flow(from, to int, q core.QoS, service core.Name) (a, b core.Flow) {
	l.tb.Helper()
	var err error
	l.envs[to].Post(func() {
		_, e := l.brokers[to].Listen(service, func(in core.Incoming) {
			var e error
			b, e = in.Accept()
			check(l.tb, e)
		})
		check(l.tb, e)
	})
	check(l.tb, l.w.Run(l.envs[0].Now()))
	l.envs[from].Post(func() {
		l.brokers[from].Alloc(core.Request{Name: service, Layer: "net", QoS: q}, func(f core.Flow, e error) { a, err = f, e })
	})
	for range 20 {
		check(l.tb, l.w.Run(l.envs[0].Now().Add(time.Second)))
		if a != nil && b != nil || err != nil {
			break
		}
	}
	if a == nil || b == nil {
		l.tb.Fatalf("no flow from %d to %d: %v", from, to, errors.Join(append(l.failed, err)...))
	}
	return a, b
}
