package line_test

import (
	"testing"

	"ouroboros/core"
	"ouroboros/core/coretest"
	"ouroboros/core/line"
	"ouroboros/shim/host"
	"ouroboros/sim"
)

// shaped is a world whose wires are plain ones with a shaper at each end: what a wire does to packets, the
// shapers do.
type shaped struct {
	coretest.World
	in    bool              // the shaper of the receiver does it
	names map[string]string // of nodes, by the path of a life
	wires []*shapedWire
}

func newShaped(w coretest.World, in bool) *shaped {
	return &shaped{World: w, in: in, names: map[string]string{}}
}

func (w *shaped) Node(name string) core.Env {
	env := w.World.Node(name)
	w.names[env.Path] = name
	return env
}

func (w *shaped) Kill(name string) {
	w.World.Kill(name)
	for _, x := range w.wires {
		for i := range x.ends {
			if x.node[i] == name {
				x.ends[i].Close()
			}
		}
	}
}

func (w *shaped) Revive(name string) (core.Env, error) {
	env, err := w.World.Revive(name)
	if err != nil {
		return env, err
	}
	w.names[env.Path] = name
	for _, x := range w.wires {
		for i := range x.ends {
			if x.node[i] != name {
				continue
			}
			for dir := range x.past[i] {
				sum(&x.past[i][dir], x.ends[i].Stats(dir))
			}
			if err := x.shape(i, env); err != nil {
				return env, err
			}
		}
	}
	return env, nil
}

func (w *shaped) Close() {
	for _, x := range w.wires {
		for _, e := range x.ends {
			e.Close()
		}
	}
	w.World.Close()
}

func (w *shaped) Link(spec core.LinkSpec, a, b core.Env) (core.Wire, error) {
	below, err := w.World.Link(core.LinkSpec{Name: spec.Name, Kind: spec.Kind, MTU: spec.MTU, IPv6: spec.IPv6}, a, b)
	if err != nil {
		return nil, err
	}
	x := &shapedWire{w: w, below: below, spec: [2]core.LinkSpec{spec, spec}}
	for i, env := range [2]core.Env{a, b} {
		x.node[i] = w.names[env.Path]
		if err := x.shape(i, env); err != nil {
			return nil, err
		}
	}
	w.wires = append(w.wires, x)
	return x, nil
}

// shapedWire is a plain wire and the shapers at its ends.
type shapedWire struct {
	w     *shaped
	below core.Wire
	spec  [2]core.LinkSpec
	node  [2]string
	ends  [2]*line.Shaper
	past  [2][2]core.LinkStats // of the lives before, by end and direction of the shaper
	cut   bool
}

// shape makes the shaper of one end in a life of its node.
func (x *shapedWire) shape(i int, env core.Env) (err error) {
	a, b := x.below.Ends()
	var specs [2]core.LinkSpec
	for dir, s := range x.spec {
		if end, way := x.where(dir, s); end == i {
			specs[way] = s
		}
	}
	x.ends[i], err = line.NewShaper(env.Derive("shaper"), [2]core.Link{a, b}[i], specs[line.Out], specs[line.In])
	if err == nil && x.cut {
		x.ends[i].SetUp(false)
	}
	return err
}

// where returns the end and the direction of its shaper at which a direction of the wire is shaped. A queue
// that blocks can only be where the sender is.
func (x *shapedWire) where(dir int, s core.LinkSpec) (end, way int) {
	if x.w.in && !s.Block {
		return 1 - dir, line.In
	}
	return dir, line.Out
}

func (x *shapedWire) Ends() (a, b core.Link)     { return x.ends[0], x.ends[1] }
func (x *shapedWire) Spec(dir int) core.LinkSpec { return x.spec[dir] }

func (x *shapedWire) Set(dir int, s core.LinkSpec) error {
	old := x.spec[dir]
	s.Name, s.Kind, s.MTU, s.IPv6 = old.Name, old.Kind, old.MTU, old.IPv6
	end, way := x.where(dir, s)
	if err := x.ends[end].Set(way, s); err != nil {
		return err
	}
	x.spec[dir] = s
	return nil
}

func (x *shapedWire) SetUp(up bool) {
	x.cut = !up
	for _, e := range x.ends {
		e.SetUp(up)
	}
}

// Stats follows packets through the shaper of the sender, the wire, and the shaper of the receiver.
func (x *shapedWire) Stats(dir int) core.LinkStats {
	out, in := x.past[dir][line.Out], x.past[1-dir][line.In]
	sum(&out, x.ends[dir].Stats(line.Out))
	sum(&in, x.ends[1-dir].Stats(line.In))
	wire := x.below.Stats(dir)
	// What the wire refused is in the counters of the shaper already.
	wire.DropDown -= wire.SentPackets - out.DeliveredPackets
	st := out
	st.DeliveredPackets, st.DeliveredBytes = in.DeliveredPackets, in.DeliveredBytes
	st.Duplicated += in.Duplicated
	for _, s := range []core.LinkStats{wire, in} {
		st.DropQueue += s.DropQueue
		st.DropLoss += s.DropLoss
		st.DropError += s.DropError
		st.DropDown += s.DropDown
	}
	return st
}

// sum adds the counters of packets.
func sum(to *core.LinkStats, s core.LinkStats) {
	for _, p := range []struct {
		to   *uint64
		from uint64
	}{
		{&to.SentPackets, s.SentPackets},
		{&to.SentBytes, s.SentBytes},
		{&to.DeliveredPackets, s.DeliveredPackets},
		{&to.DeliveredBytes, s.DeliveredBytes},
		{&to.DropQueue, s.DropQueue},
		{&to.DropLoss, s.DropLoss},
		{&to.DropError, s.DropError},
		{&to.DropDown, s.DropDown},
		{&to.Duplicated, s.Duplicated},
	} {
		*p.to += p.from
	}
}

// TestShaperConforms holds the rules of core.Link for shapers over plain wires of both worlds, with the wire
// modelled where it is sent and where it is received.
func TestShaperConforms(t *testing.T) {
	worlds := map[string]func() coretest.World{
		"sim":  func() coretest.World { return sim.New(1) },
		"live": func() coretest.World { return host.New(1) },
	}
	for name, world := range worlds {
		for at, in := range map[string]bool{"out": false, "in": true} {
			for kind, k := range map[string]core.LinkKind{"ethernet": core.LinkEthernet, "datagram": core.LinkDatagram} {
				t.Run(name+"/"+at+"/"+kind, func(t *testing.T) {
					t.Parallel()
					coretest.TestLink(t, func(*testing.T) coretest.World { return newShaped(world(), in) }, k)
				})
			}
		}
	}
}
