package runner

import (
	"io"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/core/pkt"
	"ouroboros/scenarios/node"
	"ouroboros/sim"
	"ouroboros/sim/capture"
)

// tap writes what crosses the wires of a simulated network to a pcapng file.
type tap struct {
	world *sim.World
	out   *capture.Writer
	ids   map[core.Wire][2]int // interfaces of the two ends
}

// attach taps all wires that a layer uses, with one interface per link end in the order of the wires. A
// file holds one kind of links only: the error says which wire is of another.
func attach(w *sim.World, n *node.Network, to io.Writer, comment string) (*tap, error) {
	out, err := capture.New(to, capture.Options{Application: "osim", Comment: comment})
	if err != nil {
		return nil, err
	}
	t := &tap{world: w, out: out, ids: make(map[core.Wire][2]int, len(n.Wires))}
	for _, x := range n.Wires {
		if x.Shim == "" {
			continue
		}
		var ids [2]int
		for dir, end := range []string{x.A.Name, x.B.Name} {
			spec := x.Spec(dir)
			if ids[dir], err = out.Interface(x.Name+":"+end, spec.Rate, spec.Kind); err != nil {
				return nil, err
			}
		}
		t.ids[x.Wire] = ids
	}
	w.SetTap(t.frame)
	return t, nil
}

func (t *tap) frame(w core.Wire, dir int, now clock.Time, p *pkt.Buf) {
	if ids, ok := t.ids[w]; ok {
		t.out.Frame(ids[dir], now, sim.Epoch, p)
	}
}

// close ends the capture; what is sent afterwards is not in it.
func (t *tap) close() error {
	t.world.SetTap(func(core.Wire, int, clock.Time, *pkt.Buf) {})
	return t.out.Close()
}
