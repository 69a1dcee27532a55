package unicast_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/core/policy"
	"ouroboros/core/wire"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/addr"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/ipcp/unicast/pff"
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
	alone      bool // members do not connect by themselves
	// enroll has all members but the first wait for an enrollment.
	enroll bool
	// layer changes the configuration of the layer.
	layer func(unicast.Catalog, *unicast.Layer)
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
	catalog unicast.Catalog
	up      int // connections that stand
	failed  []error
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// choose looks a policy up that exists.
func choose[T any](tb testing.TB, r *policy.Registry[T], name string, params map[string]any) policy.Choice[T] {
	tb.Helper()
	c, err := r.Choose(name, params)
	check(tb, err)
	return c
}

// config is the configuration of the layer: a shared table of names and counted addresses, unless a test
// asks for others, and the defaults.
func (l *line) config() unicast.Layer {
	o, c := l.opts, unicast.Layer{
		Info: core.LayerInfo{Name: "net", Kind: core.KindUnicast, Hash: core.SHA3_256}, Header: l.opts.header, Queue: l.opts.queue,
	}
	if o.congestion == "" {
		o.congestion = "none"
	}
	c.Policies.Routing = choose(l.tb, l.catalog.Routing, "link-state", o.routing)
	c.Policies.Congestion = choose(l.tb, l.catalog.Congestion, o.congestion, nil)
	c.Policies.Directory = choose(l.tb, l.catalog.Directory, "static", nil)
	c.Policies.Addressing = choose(l.tb, l.catalog.Addressing, "sequential", nil)
	if o.layer != nil {
		o.layer(l.catalog, &c)
	}
	return c
}

// newLine wires the nodes and has neighbours connect. The layer comes up when time passes.
func newLine(tb testing.TB, w core.World, n int, o options) *line {
	tb.Helper()
	l := &line{tb: tb, opts: o, w: w, catalog: unicast.NewCatalog(dir.NewNames())}
	for i := range n {
		env := w.Node(fmt.Sprintf("n%d", i))
		l.envs = append(l.envs, env)
		l.brokers = append(l.brokers, irm.New(env.Derive("irm"), irm.Config{}))
	}
	for i := range n - 1 {
		l.wire(i, i+1)
	}
	for i, env := range l.envs {
		m, err := unicast.New(env.Derive("net"), l.brokers[i], unicast.Config{Name: name(i), Catalog: l.catalog})
		check(tb, err)
		l.members = append(l.members, m)
		env.Post(func() { l.serve(i) })
		if i == 0 || !o.enroll {
			check(tb, m.Bootstrap(l.config(), i))
			check(tb, l.brokers[i].AddProvider(m))
		}
	}
	for i := range n - 1 {
		if o.enroll || o.alone {
			break
		}
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
	l.envs[a].Post(func() {
		l.members[a].Connect(name(b), core.Name(fmt.Sprintf("w%d", min(a, b))), unicast.ConnectOptions{QoS: l.opts.qos}, func(err error) {
			if err != nil {
				l.failed = append(l.failed, err)
				return
			}
			l.up++
		})
	})
}

// enroll has member a enroll with its neighbour b.
func (l *line) enroll(a, b int, done func(error)) (cancel func()) {
	return l.members[a].Enroll(name(b), core.Name(fmt.Sprintf("w%d", min(a, b))), a, func(err error) {
		if err == nil {
			check(l.tb, l.brokers[a].AddProvider(l.members[a]))
		}
		done(err)
	})
}

// rejoin puts a new IPCP in the place of one that has left, with another number in the layer.
func (l *line) rejoin(i, index int) {
	m, err := unicast.New(l.envs[i].Derive("net"), l.brokers[i], unicast.Config{Name: name(i), Catalog: l.catalog})
	check(l.tb, err)
	check(l.tb, m.Bootstrap(l.config(), index))
	check(l.tb, m.Serve())
	check(l.tb, l.brokers[i].AddProvider(m))
	l.members[i] = m
}

// drawn is an address policy whose draws a test has fixed: the first of each member, by its number. Later
// ones count up.
type drawn struct {
	first []uint64
	next  uint64
}

func (d *drawn) Assign(index int) (uint64, error) {
	if index < len(d.first) && d.first[index] != 0 {
		a := d.first[index]
		d.first[index] = 0
		return a, nil
	}
	d.next++
	return 1000*uint64(index+1) + d.next, nil
}

// addresses gives members the addresses of a list by their numbers.
func addresses(draw []uint64) func(unicast.Catalog, *unicast.Layer) {
	d := &drawn{first: draw}
	table := policy.Registry[addr.Policy]{Kind: "addressing", Factories: []policy.Factory[addr.Policy]{
		{Name: "drawn", New: func(core.Env, any) (addr.Policy, error) { return d, nil }},
	}}
	return func(c unicast.Catalog, l *unicast.Layer) {
		c.Addressing.Factories = append(c.Addressing.Factories, table.Factories...)
		l.Policies.Addressing, _ = c.Addressing.Choose("drawn", nil)
	}
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
	return l.ask(from, to, core.Request{Name: service, Layer: "net", QoS: q})
}

// ask is flow with a request of choice.
func (l *line) ask(from, to int, r core.Request) (a, b core.Flow) {
	l.tb.Helper()
	var err error
	l.envs[to].Post(func() {
		_, e := l.brokers[to].Listen(r.Name, func(in core.Incoming) {
			var e error
			b, e = in.Accept()
			check(l.tb, e)
		})
		check(l.tb, e)
	})
	check(l.tb, l.w.Run(l.envs[0].Now()))
	l.envs[from].Post(func() {
		l.brokers[from].Alloc(r, func(f core.Flow, e error) { a, err = f, e })
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
