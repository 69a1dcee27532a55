package scenarios

import "slices"

// Modes that need a process for each node.
const (
	modeEmulate = "emulate"
	modeLab     = "lab"
)

// real checks that a scenario asks for nothing that nodes in processes of their own, over real interfaces, cannot
// do.
func (c *checker) real() {
	mode := c.s.Mode.World
	if mode != modeEmulate && mode != modeLab {
		return
	}
	for i := range c.s.Layers {
		l := &c.s.Layers[i]
		p := sub("layers", i)
		if l.Shim == shimDirect {
			c.fail(p+".shim", "exists in the simulator only, and the mode is %s; accepted are eth-dix, eth-llc, udp4, udp6", mode)
		}
		for k := range l.Shims {
			if l.Shims[k].Shim == shimDirect {
				c.fail(sub(p+".shims", k)+".shim", "exists in the simulator only, and the mode is %s; accepted are eth-dix, eth-llc, udp4, udp6", mode)
			}
		}
	}
	for i := range c.s.Security {
		if r := &c.s.Security[i]; r.Certificates != "" && r.Certificates != "none" {
			c.fail(sub("security", i)+".certificates", "are issued within one process, and in mode %s every node is one; accepted is none", mode)
		}
	}
	c.kills(mode)
}

// shimDirect is the shim without a header.
const shimDirect = "direct"

// kills checks that no node is to be killed while it is killed already: processes are there once.
func (c *checker) kills(mode string) {
	nodes, known := c.nodeNames()
	if !known {
		return
	}
	for i := range c.s.Faults {
		a := &c.s.Faults[i]
		for k := range c.s.Faults[:i] {
			b := &c.s.Faults[k]
			if !a.Kill || !b.Kill || !overlap(a, b) {
				continue
			}
			at := b.Node.Select(nodes)
			if slices.ContainsFunc(a.Node.Select(nodes), func(n string) bool { return slices.Contains(at, n) }) {
				c.fail(sub("faults", i)+".node", "is killed already by fault %d, and the mode is %s; accepted are kills of a node one after the other", k+1, mode)
			}
		}
	}
}

// overlap reports whether two kills are in force at the same time.
func overlap(a, b *Fault) bool {
	if b.At < a.At {
		a, b = b, a
	}
	return a.For == Forever || int64(a.At)+int64(a.For) >= int64(b.At)
}
