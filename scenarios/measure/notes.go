package measure

import (
	"fmt"

	"ouroboros/scenarios/node"
	"ouroboros/scenarios/result"
)

// early tells of flows that failed because they were asked for before their layer was up.
func (r *Recorder) early(run *result.Run) (notes []string) {
	for i := range run.Layers {
		l := &run.Layers[i]
		up, ok := l.Up.Get()
		n := 0
		for k := range run.Flows {
			if f := &run.Flows[k]; f.Layer == l.Name && f.Failure != "" && f.Start < up {
				n++
			}
		}
		if ok && n > 0 {
			notes = append(notes, fmt.Sprintf("%d flows failed that were asked for before layer %s was up, at %v", n, l.Name, up))
		}
	}
	return notes
}

// absent tells of the flows of each workload that were asked for and never allocated: in which figures they are.
func absent(run *result.Run) (notes []string) {
	var names []string
	n := map[string]int{}
	for i := range run.Flows {
		if f := &run.Flows[i]; f.Failure != "" && !f.Allocated.OK() {
			if n[f.Workload] == 0 {
				names = append(names, f.Workload)
			}
			n[f.Workload]++
		}
	}
	for _, w := range names {
		notes = append(notes, fmt.Sprintf("workload %s: %d of its flows were never allocated; they count with a goodput of 0, and are in no loss, delay or round trip", w, n[w]))
	}
	return notes
}

// uneven tells of a layer without an MTU of its own whose members have different ones: who may send long packets
// does not know that they are dropped further on.
func uneven(layer string, all []Limit) []string {
	var short, long string
	low, high := 0, 0
	for _, m := range all {
		if short == "" || m.MTU < low {
			short, low = m.Node, m.MTU
		}
		if m.MTU > high {
			long, high = m.Node, m.MTU
		}
	}
	if low == high {
		return nil
	}
	return []string{fmt.Sprintf("layer %s: %s takes packets of %d bytes, %s of %d at most; longer ones are dropped there and their sender is not told: give the layer params.mtu",
		layer, long, high, short, low)}
}

// Limit is the longest packet that a member of a layer without an MTU of its own takes.
type Limit struct {
	Layer string `json:"layer"`
	Node  string `json:"node"`
	MTU   int    `json:"mtu"`
}

// limits returns those of the members on some nodes.
func (r *Recorder) limits(l *node.Layer, mine func(node string) bool) (out []Limit) {
	if r.whole != nil {
		return r.whole.limits(l)
	}
	for _, s := range l.Members {
		p := s.IPCP(l.Name)
		if !mine(s.Name) || p == nil || p.DT() == nil || p.Configuration().MTU > 0 {
			continue
		}
		if mtu, _, _ := p.DT().Limits(); mtu > 0 { // else it has no neighbour
			out = append(out, Limit{l.Name, s.Name, mtu})
		}
	}
	return out
}

// failed returns what is not as it should be with the network.
func (r *Recorder) failed() (out []string) {
	if r.whole != nil {
		return r.whole.failed
	}
	for _, e := range r.cfg.Network.Failed() {
		out = append(out, e.Error())
	}
	return out
}
