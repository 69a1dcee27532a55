package unicast_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"ouroboros/core"
	"ouroboros/core/irm"
	"ouroboros/ipcp"
	"ouroboros/ipcp/local"
	"ouroboros/ipcp/unicast"
	"ouroboros/ipcp/unicast/dir"
	"ouroboros/shim/eth"
	"ouroboros/sim"
)

// host is a system as an administrator of a real one has it: names are published by hand, processes are attached.
type host struct {
	t   *testing.T
	w   *sim.World
	env core.Env
	b   *irm.Broker
}

func newHost(t *testing.T, w *sim.World, name string) *host {
	env := w.Node(name)
	return &host{t, w, env, irm.New(env.Derive("irm"), irm.Config{Explicit: true, Direct: true})}
}

// unicast is "irm ipcp create" with autobind. The IPCP is a process of its own.
func (h *host) unicast(name core.Name) *unicast.IPCP {
	h.t.Helper()
	c := h.b.Attach(irm.Process{PID: 1, Program: "ipcpd-unicast", IPCP: name})
	i, err := unicast.New(h.env.Derive(string(name)), c, unicast.Config{Name: name, Catalog: unicast.NewCatalog(dir.NewNames()), Autobind: true})
	check(h.t, err)
	check(h.t, i.Serve())
	h.t.Cleanup(func() { h.env.Post(func() { i.Leave(); c.Close() }) })
	return i
}

// bootstrap is "irm ipcp bootstrap".
func (h *host) bootstrap(name, layer core.Name) *unicast.IPCP {
	h.t.Helper()
	i := h.unicast(name)
	l := unicast.Layer{Info: core.LayerInfo{Name: layer, Kind: core.KindUnicast, Hash: core.SHA3_256}}
	check(h.t, i.Bootstrap(l, 0))
	check(h.t, h.b.AddProvider(i))
	return i
}

// wait runs an operation until its result is told.
func (h *host) wait(what string, op func(done func(error))) {
	h.t.Helper()
	got, told := error(nil), false
	h.env.Post(func() { op(func(err error) { got, told = err, true }) })
	for end := h.w.Now().Add(21 * time.Second); !told && h.w.Now() < end; {
		run(h.t, h.w, 10*time.Millisecond)
	}
	if got != nil || !told {
		h.t.Fatalf("%s: told %v, %v", what, told, got)
	}
}

// enroll is "irm ipcp enroll name NAME layer LAYER": the destination is the name of the layer.
func (h *host) enroll(name, layer core.Name) *unicast.IPCP {
	h.t.Helper()
	i := h.unicast(name)
	h.wait("enroll", func(done func(error)) { i.Enroll(layer, "", 1, done) })
	if i.Layer().Name != layer {
		h.t.Fatalf("enrolled in %q", i.Layer().Name)
	}
	check(h.t, h.b.AddProvider(i))
	return i
}

// connect is "irm ipcp connect": management, then data transfer.
func (h *host) connect(i *unicast.IPCP, dst core.Name) {
	h.t.Helper()
	h.wait("connect", func(done func(error)) { i.Connect(dst, "", unicast.ConnectOptions{}, done) })
}

// serve is a program that was bound to a name and listens to whatever is bound to it.
func (h *host) serve(program string, name, layer core.Name) (flows *[]core.Flow) {
	h.t.Helper()
	check(h.t, h.b.BindProgram("/usr/bin/"+program, name, false, nil))
	check(h.t, h.b.RegisterName(name, layer))
	flows = new([]core.Flow)
	_, err := h.b.Attach(irm.Process{PID: 50, Program: program}).Listen("", func(in core.Incoming) {
		f, err := in.Accept()
		check(h.t, err)
		*flows = append(*flows, f)
	})
	check(h.t, err)
	return flows
}

// ping allocates a flow and closes it.
func (h *host) ping(name core.Name) core.Name {
	h.t.Helper()
	var layer core.Name
	h.wait("alloc", func(done func(error)) {
		h.b.Attach(irm.Process{PID: 60, Program: "oping"}).Alloc(core.Request{Name: name, QoS: core.QoSRaw}, func(f core.Flow, err error) {
			if err == nil {
				layer = f.Info().Layer
				f.Close(0)
			}
			done(err)
		})
	})
	return layer
}

// hosts returns systems on one Ethernet, each with a shim in the layer "eth".
func hosts(t *testing.T, names ...string) (out []*host, w *sim.World) {
	t.Helper()
	w = sim.New(1)
	t.Cleanup(func() {
		run(t, w, time.Second)
		w.Close()
	})
	for _, n := range names {
		out = append(out, newHost(t, w, n))
	}
	if len(out) < 2 {
		return out, w
	}
	wire, err := w.Link(core.LinkSpec{Kind: core.LinkEthernet, Delay: time.Millisecond}, out[0].env, out[1].env)
	check(t, err)
	a, b := wire.Ends()
	for i, l := range []core.Link{a, b} {
		s, err := eth.New(out[i].env.Derive("shim"), l, eth.Config{Layer: "eth", Hash: core.SHA3_256})
		check(t, err)
		check(t, out[i].b.AddProvider(s))
	}
	return out, w
}

// Two systems on an Ethernet come up by the commands of spec 15 §15.3, with the directory and routing that an
// administrator gets who chooses nothing. No name is created where it is asked for: that rule of the prototype is relaxed.
func TestTwoSystemsOverEthernet_15_3(t *testing.T) {
	h, w := hosts(t, "n1", "n2")
	uni1 := h[0].bootstrap("uni1", "net")
	check(t, h[0].b.RegisterName("uni1", "eth"))
	check(t, h[0].b.RegisterName("net", "eth"))
	uni2 := h[1].enroll("uni2", "net")
	h[1].connect(uni2, "uni1")
	if !uni1.Connected(uni2.Address()) || !uni2.Connected(uni1.Address()) {
		t.Fatal("not connected")
	}
	flows := h[1].serve("oping", "oping", "net")
	run(t, w, 10*time.Second)
	if layer := h[0].ping("oping"); layer != "net" || len(*flows) != 1 {
		t.Errorf("over %q, %d flows", layer, len(*flows))
	}
	// Both serve the name of the layer now. Each reaches the other by it, and neither itself.
	if !slices.Equal(uni2.Serving(), []core.Name{"uni2", "net"}) {
		t.Errorf("uni2 listens to %q", uni2.Serving())
	}
	before := [2]int{uni1.Conflicts(), uni2.Conflicts()}
	uni2.Disconnect("uni1", ipcp.Both)
	run(t, w, time.Second)
	h[1].connect(uni2, "net")
	if !uni2.Connected(uni1.Address()) || before != [2]int{uni1.Conflicts(), uni2.Conflicts()} {
		t.Errorf("connected %v, conflicts %d, %d", uni2.Connected(uni1.Address()), uni1.Conflicts(), uni2.Conflicts())
	}
	run(t, w, 10*time.Second)
	h[0].ping("oping")
}

// A layer over a local layer on one system comes up by the commands of spec 15 §15.2. Flows within the system are
// direct ones (13 §13.6), those of the IPCPs too.
func TestUnicastOnOneSystem_15_2(t *testing.T) {
	h, w := hosts(t, "n1")
	l, err := local.New(h[0].env.Derive("local"), local.Config{Name: "local-ipcp", Layer: "local-layer", Hash: core.SHA3_256})
	check(t, err)
	check(t, h[0].b.AddProvider(l))
	uni1 := h[0].bootstrap("uni-1", "unicast-layer")
	check(t, h[0].b.RegisterName("uni-1", "local-layer"))
	check(t, h[0].b.RegisterName("unicast-layer", "local-layer"))
	uni2 := h[0].enroll("uni-2", "unicast-layer")
	h[0].connect(uni2, "uni-1")
	if !uni1.Connected(uni2.Address()) {
		t.Error("not connected")
	}
	flows := h[0].serve("oping", "oping_server", "unicast-layer")
	run(t, w, 10*time.Second)
	if layer := h[0].ping("oping_server"); layer != "" || len(*flows) != 1 {
		t.Errorf("over %q, %d flows", layer, len(*flows))
	}
}

// An IPCP serves the names that an administrator binds it to ("irm bind ipcp"), in any state, and leaves them again; one
// that is in no layer yet refuses who comes.
func TestBindIPCP_13_4(t *testing.T) {
	h, w := hosts(t, "n1", "n2")
	check(t, h[0].b.RegisterName("door", "eth"))
	first := h[0].unicast("first")
	check(t, first.ServeName("door"))
	check(t, first.ServeName("door"))
	late := h[1].unicast("late")
	got := errors.New("no answer")
	h[1].env.Post(func() { late.Enroll("door", "", 1, func(err error) { got = err }) })
	run(t, w, 5*time.Second)
	if got == nil {
		t.Error("enrolled with an IPCP that is in no layer")
	}
	check(t, first.Bootstrap(unicast.Layer{Info: core.LayerInfo{Name: "net", Kind: core.KindUnicast, Hash: core.SHA3_256}}, 0))
	run(t, w, 5*time.Second)
	if got != nil || late.Layer().Name != "net" {
		t.Errorf("%v, layer %q", got, late.Layer().Name)
	}
	if want := []core.Name{"first", "door", "net"}; !slices.Equal(first.Serving(), want) {
		t.Errorf("listens to %q, want %q", first.Serving(), want)
	}
	if !first.StopServing("door") || first.StopServing("door") || !first.StopServing("net") {
		t.Error("the names were not left once each")
	}
	other := h[1].unicast("other")
	h[1].env.Post(func() { other.Enroll("door", "", 2, func(err error) { got = err }) })
	run(t, w, 30*time.Second)
	if got == nil {
		t.Error("enrolled by a name that the IPCP has left")
	}
	first.Leave()
	if err := first.ServeName("door"); !errors.Is(err, core.ErrIPCPState) || len(first.Serving()) != 0 {
		t.Errorf("%v, listens to %q", err, first.Serving())
	}
}
