package node

import (
	"slices"
	"time"

	"ouroboros/core"
	"ouroboros/scenarios"
	"ouroboros/topologies"
)

// DefaultRate is the rate of a link that neither its map nor the scenario gives one, in bit/s.
const DefaultRate = 1_000_000_000

// orderedQueue is how many packets wait on a wire under a scheduler that orders packets, beside the one that
// is being sent: with it they are the two at which such a wire blocks. One is enough to have the next at hand
// when the first has left; each more would go before a packet that the scheduler sends first.
const orderedQueue = 1

// Apply lays the values that p gives over a spec.
func Apply(s core.LinkSpec, p scenarios.LinkParams) core.LinkSpec {
	set(&s.Rate, (*int64)(p.Rate))
	set(&s.Delay, (*time.Duration)(p.Delay))
	set(&s.Detect, (*time.Duration)(p.Detect))
	if p.MTU != nil {
		s.MTU = int(*p.MTU)
	}
	if q := p.Queue; q != nil {
		s.QueuePackets, s.QueueBytes, s.Block, s.Device = q.Packets, int64(q.Bytes), q.Full == "block", q.Device
	}
	set(&s.Loss, p.Loss)
	if g := p.Gilbert; g != nil {
		s.Gilbert = &core.GilbertElliott{P: g.P, R: g.R, LossGood: g.LossGood, LossBad: *g.LossBad}
	}
	if p.Drop != nil {
		s.Drop = slices.Clone(p.Drop)
	}
	set(&s.BER, p.BER)
	if p.FCS != nil {
		s.NoFCS = !*p.FCS
	}
	set(&s.Jitter, (*time.Duration)(p.Jitter))
	if r := p.Reorder; r != nil {
		s.Reorder, s.ReorderBy = r.Probability, time.Duration(r.By)
	}
	set(&s.Duplicate, p.Duplicate)
	if p.Overhead != nil {
		s.Overhead = int(*p.Overhead)
	}
	return s
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// Directions returns which directions of a wire a rule means: 0 is from its first end to its second.
func Directions(word string) []int {
	switch word {
	case "forward":
		return []int{0}
	case "backward":
		return []int{1}
	}
	return []int{0, 1}
}

// specs returns the spec of both directions of every link of the map: what the map says, over it the
// scenario's defaults where the map says nothing, the wire's own values, and the rules in order. Under a
// scheduler that orders packets a wire blocks early unless its queue is given.
func specs(sc *scenarios.Scenario, g *topologies.Graph, use []usage) [][2]core.LinkSpec {
	out := make([][2]core.LinkSpec, len(g.Links))
	names := make([]string, len(g.Links))
	for i, l := range g.Links {
		s := Apply(use[i].base(), sc.Topology.Defaults)
		if l.Rate > 0 && sc.Topology.Generator == "" || l.Rate > 0 && sc.Topology.Defaults.Rate == nil {
			s.Rate = l.Rate
		}
		if l.HasDelay && (sc.Topology.Generator == "" || sc.Topology.Defaults.Delay == nil) {
			s.Delay = l.Delay
		}
		if len(sc.Topology.Wires) > 0 {
			s = Apply(s, sc.Topology.Wires[i].LinkParams)
		}
		s.Name, s.Kind = l.Name, use[i].kind
		out[i] = [2]core.LinkSpec{s, s}
		names[i] = l.Name
	}
	for _, r := range sc.Links {
		for _, n := range r.Link.Select(names) {
			i := slices.Index(names, n)
			for _, d := range Directions(r.Direction) {
				out[i][d] = Apply(out[i][d], r.LinkParams)
			}
		}
	}
	for i := range out {
		for d := range out[i] {
			if s := &out[i][d]; use[i].ordered && s.QueuePackets == 0 && s.QueueBytes == 0 {
				s.QueuePackets, s.Block = orderedQueue, true
			}
		}
	}
	return out
}
