// Package experiment runs a scenario in a world: it builds the network, sets workload and faults going,
// lets time pass, and returns the results. It is the same code for the simulator and for the live
// world.
package experiment

import (
	"fmt"
	"math"
	"time"

	"ouroboros/core"
	"ouroboros/core/clock"
	"ouroboros/frcp"
	"ouroboros/scenarios"
	"ouroboros/scenarios/node"
	"ouroboros/scenarios/traffic"
)

// flows returns the flows of the workload in order.
func flows(n *node.Network, sc *scenarios.Scenario) ([]traffic.Spec, error) {
	par, err := Transport(sc.FRCP)
	if err != nil {
		return nil, err
	}
	var out []traffic.Spec
	groups := traffic.NewGroups()
	for i := range sc.Workload {
		w := &sc.Workload[i]
		specs, err := entry(n, sc, w)
		if err != nil {
			return nil, fmt.Errorf("workload %s: %w", w.Name, err)
		}
		for k := range specs {
			specs[k].ID = len(out) + 1
			specs[k].FRCP, specs[k].Groups = par, groups
			out = append(out, specs[k])
		}
	}
	return out, nil
}

// Transport returns the parameters of FRCP of the workload's flows.
func Transport(f scenarios.FRCP) (frcp.Params, error) {
	p := frcp.Params{
		Window: f.Window, AckEvery: f.AckEvery, AckDelay: f.AckDelay.D(), A: f.A.D(), R: f.R.D(),
		FirstAckDelay: f.FirstAckDelay.D(), PlainAcks: f.PlainAcks, KeyEpoch: uint32(f.KeyEpoch),
		GrowWindow: f.WindowAuto != nil && *f.WindowAuto, MaxWindow: f.MaxWindow, Memory: int(f.Memory),
		NoTailProbe: off(f.TailProbe), NoUndo: off(f.Undo), NoRanges: off(f.Ranges),
	}
	if f.Window == 0 && off(f.WindowAuto) {
		p.Window = frcp.DefaultWindow
	}
	if f.Pacing != "" {
		if err := p.Pacing.UnmarshalText([]byte(f.Pacing)); err != nil {
			return p, err
		}
	}
	if f.Recovery != "" {
		if err := p.Recovery.UnmarshalText([]byte(f.Recovery)); err != nil {
			return p, err
		}
	}
	p.OwnPeer = p.Recovery == frcp.RecoveryRACK && !p.PlainAcks // all members are ours
	return p, p.Validate()
}

// off reports whether a switch that is on by default was turned off.
func off(b *bool) bool { return b != nil && !*b }

// entry returns the flows of one entry of the workload.
func entry(n *node.Network, sc *scenarios.Scenario, w *scenarios.Workload) ([]traffic.Spec, error) {
	l := n.Layer(w.Layer)
	if l == nil {
		return nil, fmt.Errorf("layer %q: there is none of this name", w.Layer)
	}
	members := make([]string, len(l.Members))
	for i, s := range l.Members {
		members[i] = s.Name
	}
	pairs := w.Pairs(members, l.Kind == scenarios.LayerLocal)
	base := traffic.Spec{
		Workload: w.Name, QoS: w.QoS.Spec(), Layer: l.Name, Ask: core.Name(l.Name), Size: int(w.Size), Count: w.Count,
		Bytes: uint64(w.Bytes), Start: core.Time(w.Start), Stop: clock.Never, Warmup: core.Time(sc.Warmup),
		On: w.On.D(), Off: w.Off.D(), NoPhase: w.Phase == nil, Encrypt: w.Encrypt, Authenticate: w.Authenticate,
	}
	if base.Size > 0 && base.Size < traffic.HeaderLen {
		return nil, fmt.Errorf("size: %v: a message has at least %d bytes", w.Size, traffic.HeaderLen)
	}
	if w.Phase != nil {
		base.Phase = w.Phase.D()
	}
	switch {
	case w.Stop > 0:
		base.Stop = core.Time(w.Stop)
	case w.Duration > 0:
		base.Stop = base.Start.Add(w.Duration.D())
	}
	kind := w.Kind
	var rates []float64
	if kind == scenarios.KindMatrix {
		kind = w.Source
		rates = demands(n, w, pairs)
	}
	base.Kind = map[string]traffic.Kind{
		scenarios.KindCBR: traffic.CBR, scenarios.KindPoisson: traffic.Poisson, scenarios.KindOnOff: traffic.OnOff,
		scenarios.KindBulk: traffic.Bulk, scenarios.KindPing: traffic.Ping, scenarios.KindGroup: traffic.Group,
	}[kind]
	out := make([]traffic.Spec, 0, len(pairs))
	for i, p := range pairs {
		s := base
		s.Name = fmt.Sprintf("%s/%s-%s", w.Name, p[0], p[1])
		s.From, s.To = n.System(p[0]), n.System(p[1])
		if w.Pairing == "any" {
			for _, name := range w.To.Select(members) {
				if name != p[0] {
					s.Any = append(s.Any, n.System(name))
				}
			}
			s.Name = fmt.Sprintf("%s/%s-any", w.Name, p[0])
		}
		if l.Kind == scenarios.LayerShim {
			x := n.Between(p[0], p[1])
			if x == nil {
				return nil, fmt.Errorf("layer %s: %s and %s share no link", l.Name, p[0], p[1])
			}
			s.Ask = core.Name(x.Name)
		}
		s.Interval = w.Interval.D()
		rate := float64(w.Rate)
		if rates != nil {
			rate = rates[i]
		}
		if s.Interval == 0 && rate > 0 {
			// Time has whole ns; a source without any time between its messages would never get done.
			s.Interval = max(time.Duration(math.Round(float64(s.Size)*8e9/rate)), 1)
		}
		for k := range max(w.Flows, 1) {
			x := s
			if k > 0 {
				x.Name += fmt.Sprintf("-%d", k+1)
			}
			out = append(out, x)
		}
	}
	return out, nil
}

// demands returns the rate of every pair in bit/s. Under the gravity model it is proportional to the
// product of the degrees of both nodes in the map, a usual stand-in for their traffic where no
// measurement is at hand (Roughan 2005: Simplifying the synthesis of Internet traffic matrices); under
// the uniform model all are equal.
func demands(n *node.Network, w *scenarios.Workload, pairs [][2]string) []float64 {
	degree := make(map[string]float64, len(n.Systems))
	for _, x := range n.Wires {
		degree[x.A.Name]++
		degree[x.B.Name]++
	}
	weights := make([]float64, len(pairs))
	sum := 0.0
	for i, p := range pairs {
		weights[i] = 1
		if w.Model != "uniform" {
			weights[i] = degree[p[0]] * degree[p[1]]
		}
		sum += weights[i]
	}
	for i := range weights {
		weights[i] *= float64(w.Total) / sum
	}
	return weights
}
