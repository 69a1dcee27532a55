package coretest

import (
	"ouroboros/core"
	"ouroboros/core/line"
)

// Medium is a link between two nodes that does nothing to packets: a plain wire of a world, a pair of devices
// or sockets.
type Medium struct {
	// Open opens one end, 0 or 1, in a life of its node.
	Open func(end int, env core.Env) (core.Link, error)
	// Stats returns the counters of one direction, nil when nobody counts what is lost on the way.
	Stats func(dir int) core.LinkStats
}

// Shaped is a world whose wires are media with a shaper at each end: what a wire does to packets, the shapers
// do. So the rules of links can be held for shapers, and for links that have no Wire of their own.
type Shaped struct {
	World
	// In has the shaper of the receiver do it, where that can; else that of the sender does.
	In bool
	// New makes the medium of a wire; nil = a plain wire of the world.
	New func(spec core.LinkSpec, a, b core.Env) (Medium, error)

	names map[string]string // of nodes, by the path of a life
	dead  map[string]bool
	wires []*shapedWire
}

func (w *Shaped) enter(name string, env core.Env) core.Env {
	if w.names == nil {
		w.names, w.dead = map[string]string{}, map[string]bool{}
	}
	w.names[env.Path] = name
	w.dead[name] = false
	return env
}

// Node makes a node.
func (w *Shaped) Node(name string) core.Env {
	for _, x := range w.wires {
		x.forget(name)
	}
	return w.enter(name, w.World.Node(name))
}

// Kill ends a node and what it has of the wires.
func (w *Shaped) Kill(name string) {
	w.World.Kill(name)
	w.dead[name] = true
	for _, x := range w.wires {
		for i := range x.ends {
			if x.node[i] == name {
				x.ends[i].Close()
			}
		}
		x.update()
	}
}

// Revive starts a killed node again, on its wires.
func (w *Shaped) Revive(name string) (core.Env, error) {
	env, err := w.World.Revive(name)
	if err != nil {
		return env, err
	}
	w.enter(name, env)
	for _, x := range w.wires {
		if err := x.revive(name, env); err != nil {
			return env, err
		}
	}
	return env, nil
}

// Close gives back what the shapers hold, and ends the world.
func (w *Shaped) Close() {
	for _, x := range w.wires {
		for _, e := range x.ends {
			e.Close()
		}
	}
	w.World.Close()
}

// Link wires two nodes.
func (w *Shaped) Link(spec core.LinkSpec, a, b core.Env) (core.Wire, error) {
	open := w.New
	if open == nil {
		open = w.plain
	}
	m, err := open(spec, a, b)
	if err != nil {
		return nil, err
	}
	x := &shapedWire{w: w, medium: m, spec: [2]core.LinkSpec{spec, spec}}
	for i, env := range [2]core.Env{a, b} {
		x.node[i] = w.names[env.Path]
		if err := x.shape(i, env); err != nil {
			return nil, err
		}
	}
	w.wires = append(w.wires, x)
	return x, nil
}

// plain makes a wire of the world.
func (w *Shaped) plain(spec core.LinkSpec, a, b core.Env) (Medium, error) {
	wire, err := w.World.Link(core.LinkSpec{Name: spec.Name, Kind: spec.Kind, MTU: spec.MTU, IPv6: spec.IPv6}, a, b)
	if err != nil {
		return Medium{}, err
	}
	return Medium{
		Open: func(end int, _ core.Env) (core.Link, error) {
			a, b := wire.Ends()
			return [2]core.Link{a, b}[end], nil
		},
		Stats: wire.Stats,
	}, nil
}

// shapedWire is a medium and the shapers at its ends.
type shapedWire struct {
	w      *Shaped
	medium Medium
	spec   [2]core.LinkSpec
	node   [2]string
	ends   [2]*line.Shaper
	past   [2][2]core.LinkStats // of the lives before, by end and direction of the shaper
	cut    bool
}

// shape makes the shaper of one end in a life of its node.
func (x *shapedWire) shape(i int, env core.Env) error {
	below, err := x.medium.Open(i, env)
	if err != nil {
		return err
	}
	var specs [2]core.LinkSpec
	for dir, s := range x.spec {
		if end, way := x.where(dir, s); end == i {
			specs[way] = s
		}
	}
	x.ends[i], err = line.NewShaper(env.Derive("shaper"), below, specs[line.Out], specs[line.In])
	return err
}

// where returns the end and the direction of its shaper at which a direction of the wire is shaped. A queue
// that blocks can only be where the sender is.
func (x *shapedWire) where(dir int, s core.LinkSpec) (end, way int) {
	if x.w.In && !s.Block {
		return 1 - dir, line.In
	}
	return dir, line.Out
}

// revive gives the ends at a node that was killed to its next life.
func (x *shapedWire) revive(name string, env core.Env) error {
	for i := range x.ends {
		if x.node[i] != name {
			continue
		}
		for dir := range x.past[i] {
			add(&x.past[i][dir], x.ends[i].Stats(dir))
		}
		if err := x.shape(i, env); err != nil {
			return err
		}
	}
	x.update()
	return nil
}

// forget takes the wire from a killed node, whose name is given to another.
func (x *shapedWire) forget(name string) {
	for i := range x.node {
		if x.node[i] == name && x.w.dead[name] {
			x.node[i] = ""
		}
	}
}

// update takes the living ends up or down.
func (x *shapedWire) update() {
	up := !x.cut
	for _, n := range x.node {
		up = up && n != "" && !x.w.dead[n]
	}
	for _, e := range x.ends {
		e.SetUp(up)
	}
}

func (x *shapedWire) Ends() (a, b core.Link) { return x.ends[0], x.ends[1] }

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
	x.update()
}

// Stats follows packets through the shaper of the sender, the medium, and the shaper of the receiver.
func (x *shapedWire) Stats(dir int) core.LinkStats {
	out, in := x.past[dir][line.Out], x.past[1-dir][line.In]
	add(&out, x.ends[dir].Stats(line.Out))
	add(&in, x.ends[1-dir].Stats(line.In))
	st := out
	st.DeliveredPackets, st.DeliveredBytes = 0, 0
	if x.medium.Stats != nil {
		m := x.medium.Stats(dir)
		m.DropDown -= m.SentPackets - out.DeliveredPackets // what it refused is in the counters of the shaper
		m.SentPackets, m.SentBytes, m.DeliveredPackets, m.DeliveredBytes = 0, 0, 0, 0
		add(&st, m)
	}
	in.SentPackets, in.SentBytes = 0, 0
	add(&st, in)
	return st
}

// add adds the counters of packets.
func add(to *core.LinkStats, s core.LinkStats) {
	to.SentPackets += s.SentPackets
	to.SentBytes += s.SentBytes
	to.DeliveredPackets += s.DeliveredPackets
	to.DeliveredBytes += s.DeliveredBytes
	to.DropQueue += s.DropQueue
	to.DropLoss += s.DropLoss
	to.DropError += s.DropError
	to.DropDown += s.DropDown
	to.Duplicated += s.Duplicated
}
