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
// file holds direct links or others: the error says which wire does not fit.
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
		a, b := x.Ends()
		ends := [2]core.LinkInfo{a.Info(), b.Info()}
		for dir, end := range []string{x.A.Name, x.B.Name} {
			if ids[dir], err = out.End(x.Name+":"+end, ends[dir], ends[1-dir]); err != nil {
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
